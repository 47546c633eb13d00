import type { JournalEntry, JournalFlush } from '../../contract/journal.ts';
import { continuedFrom } from './run-transition.ts';
import type { RunState } from '../../contract/run.ts';

/** How far the journal of a run is written. */
export interface JournalMark {
  journal_seq: number;
  journal_history: number;
  journal_retold: number;
}

/** Whether a flush belongs to a workflow task that was done again, so that some of it may have been written. */
export function isRetelling(mark: JournalMark, { seq, history_length = 0 }: JournalFlush): boolean {
  if (seq > mark.journal_seq) return seq <= mark.journal_retold;
  return history_length > mark.journal_history;
}

/** What tells an entry from others, whatever its time and outcome; undefined for a change of state. */
export function entryKey({ event, data, change }: JournalEntry): string | undefined {
  if (change) return undefined;
  const { id, node, item, attempt, by } = data;
  const kind = event.startsWith('command.') ? 'command' : event;
  return [kind, id, node, item, attempt, by].filter((part) => part !== undefined && part !== null).join('|');
}

/** The entries that the first telling did not have, for a run whose row is in `state`. */
export function untold(
  entries: readonly JournalEntry[],
  { told, state }: { told: ReadonlySet<string>; state: RunState },
): JournalEntry[] {
  const arrives = entries.findLast(({ change }) => change)?.change?.to;
  const rest = entries.filter((entry) => {
    const key = entryKey(entry);
    return key === undefined ? arrives !== state : !told.has(key);
  });
  return continuedFrom(state, rest);
}
