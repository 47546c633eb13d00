import { idsOf } from './form.ts';
import { quoted, stepNamed, type Editing } from './instruction.ts';
import { Unclear } from './unclear.ts';

/** Where in the graph a step comes. */
export type Place =
  | { kind: 'after' | 'before'; ids: string[] }
  | { kind: 'between'; ids: [string, string] }
  | { kind: 'start' | 'end' | 'alone' };

/** Reads a list of steps behind `after`, `before` or `between`; undefined when it is none of a place. */
export function readPlace(kind: string, list: string, editing: Editing): Place | undefined {
  const lower = kind.toLowerCase();
  const ids = idsOf(list).map((id) => stepNamed(id, editing));
  if (ids.length === 0) return undefined;
  if (lower !== 'between') return { kind: lower === 'before' ? 'before' : 'after', ids };
  const [first, second, ...more] = ids;
  return first !== undefined && second !== undefined && more.length === 0
    ? { kind: 'between', ids: [first, second] }
    : undefined;
}

/**
 * Rewires the steps around a new one that is in the document already, without needs. `aside`: what ran after those before it does not
 * wait for it. Answers where it is now, for a person.
 */
export function putStep(id: string, place: Place, { steps }: Editing, aside = false): string {
  if (!('ids' in place)) return putAtEdge(id, place.kind, steps);
  for (const other of place.ids) steps.require(other);
  if (place.kind === 'before') return putBefore(id, place.ids, steps);
  if (place.kind === 'between') return putBetween(id, place.ids, steps);
  const behind = aside ? [] : steps.ids().filter((each) => waitsForAll(each, place.ids, steps));
  steps.setNeeds(id, place.ids);
  // What waited for all of them waits for the new one, which does.
  for (const each of behind)
    steps.setNeeds(each, [id, ...steps.needs(each).filter((need) => !place.ids.includes(need))]);
  return `after ${quoted(place.ids)}${aside ? ', in parallel with what follows' : ''}`;
}

type Steps = Editing['steps'];

function putAtEdge(id: string, edge: 'start' | 'end' | 'alone', steps: Steps): string {
  if (edge === 'alone') return 'beside everything else';
  const others = (edge === 'start' ? steps.roots() : steps.leaves()).filter((each) => each !== id);
  if (edge === 'end') steps.setNeeds(id, others);
  else for (const root of others) steps.setNeeds(root, [id]);
  return `at the ${edge}`;
}

function waitsForAll(each: string, ids: readonly string[], steps: Steps): boolean {
  return !ids.includes(each) && ids.every((id) => steps.needs(each).includes(id));
}

function putBefore(id: string, ids: readonly string[], steps: Steps): string {
  steps.setNeeds(
    id,
    ids.flatMap((each) => steps.needs(each)).filter((need) => !ids.includes(need)),
  );
  for (const each of ids) {
    const inside = steps.needs(each).filter((need) => ids.includes(need));
    steps.setNeeds(each, [id, ...inside]);
  }
  return `before ${quoted(ids)}`;
}

function putBetween(id: string, [first, second]: readonly [string, string], steps: Steps): string {
  if (!steps.needs(second).includes(first))
    throw new Unclear(`“${second}” does not need “${first}” itself, so nothing can come between them.`);
  steps.setNeeds(id, [first]);
  steps.replaceNeed(first, [id], (dependent) => dependent === second);
  return `between “${first}” and “${second}”`;
}
