import type { JournalEntry, StateChange } from '../../contract/journal.ts';
import { RUN_TRANSITIONS, type RunState } from '../../contract/run.ts';

/** Whether a run in one state may go to the other: the one table of contract §4. */
export const mayChange = (from: RunState, to: RunState): boolean => RUN_TRANSITIONS[from].includes(to);

/** The first change of a flush that the table does not have, or that does not begin where the one before it ended. */
export function forbiddenChange(entries: readonly JournalEntry[]): StateChange | undefined {
  const changes = entries.flatMap(({ change }) => change ?? []);
  return changes.find(
    ({ from, to }, index) => !mayChange(from, to) || (index > 0 && changes[index - 1]?.to !== from),
  );
}

/**
 * The entries of a flush for a run whose row is in another state than its workflow comes from: they go on from the row's,
 * and a change to where it already is falls away.
 */
export function continuedFrom(state: RunState, entries: readonly JournalEntry[]): JournalEntry[] {
  const first = entries.findIndex(({ change }) => change !== undefined);
  return entries.map((entry, index) => {
    if (index !== first || !entry.change) return entry;
    const { change, ...rest } = entry;
    return change.to === state ? rest : { ...rest, change: { ...change, from: state } };
  });
}
