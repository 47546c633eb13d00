/**
 * What the names of live tags end in, the stronger one first. A workflow's schedules, triggers and limits are those
 * of its live tag: `<name>/production` once it exists, else the head tag `<name>`.
 */
export const LIVE_TAG_SUFFIXES = ['/production', ''] as const;

/** The tags of a workflow that may be live; the first one that exists is. */
export function liveTagNames(workflow: string): string[] {
  return LIVE_TAG_SUFFIXES.map((suffix) => workflow + suffix);
}

/** The live tag of a workflow, of the tags it has; undefined when neither exists. */
export function liveTagAmong(workflow: string, names: readonly string[]): string | undefined {
  return liveTagNames(workflow).find((name) => names.includes(name));
}
