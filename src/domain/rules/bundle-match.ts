/** What tells one artifact of a project from another. */
export interface Identity {
  id: string;
  kind: string;
  cas_id: string;
  version_hash: string | null;
  parents: readonly string[];
  compacted_from_id: string | null;
  reverts_id: string | null;
  message: string | null;
  created_by: string;
  created_at: Date;
}

/** Finds the artifact here that one of a bundle is; each is found once. */
export type Match<T> = (wanted: Identity) => T | undefined;

/**
 * An artifact is the same when it has the same id and content; failing that, when everything else about it is the same,
 * as with a copy in another project, which had to take another id. `wanted_ids` are all ids of the bundle: whatever is
 * here under one of them is no copy of anything else.
 */
export function matcher<T extends Identity>(here: readonly T[], wanted_ids: ReadonlySet<string>): Match<T> {
  const by_id = new Map(here.map((row) => [row.id, row]));
  const copies = new Map<string, T[]>();
  for (const row of here) {
    if (wanted_ids.has(row.id)) continue;
    const key = everythingOf(row);
    copies.set(key, [...(copies.get(key) ?? []), row]);
  }
  return (wanted) => {
    const same = by_id.get(wanted.id);
    if (same && contentOf(same) === contentOf(wanted)) return same;
    return copies.get(everythingOf(wanted))?.shift();
  };
}

const FOREIGN = 'import:';

/** The author, marked once, so that nobody of this instance is ever said to have made what came from outside. */
export const foreignAuthor = (author: string): string =>
  author.startsWith(FOREIGN) ? author : `${FOREIGN}${author}`;

const contentOf = ({ kind, cas_id, version_hash }: Identity): string => `${kind} ${cas_id} ${version_hash}`;

function everythingOf(row: Identity): string {
  const { parents, compacted_from_id, reverts_id, message, created_by, created_at } = row;
  const made_from = [parents, compacted_from_id, reverts_id];
  const origin = [made_from, message, foreignAuthor(created_by), created_at.getTime()];
  return `${contentOf(row)} ${JSON.stringify(origin)}`;
}
