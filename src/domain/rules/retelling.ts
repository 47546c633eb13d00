import { changeEvent, type JournalEntry, type JournalFlush } from '../../contract/journal.ts';
import { continuedFrom, mayChange } from './run-transition.ts';
import type { RunState } from '../../contract/run.ts';

/** How far the journal of a run is written. */
export interface JournalMark {
  journal_seq: number;
  journal_history: number;
  journal_retold: number;
}

/** Whether a flush comes from a workflow task that was done again: on a longer history, and perhaps with another story. */
export function isRetelling(mark: JournalMark, { seq, history_length = 0 }: JournalFlush): boolean {
  return seq <= mark.journal_seq && history_length > mark.journal_history;
}

/** A story was given up before: what was told in it may come again at any time. */
export function mayBeTold(mark: JournalMark, { seq }: JournalFlush): boolean {
  return seq > mark.journal_seq && mark.journal_retold > 0;
}

/** What tells an entry from others, whatever its time and outcome; undefined for a change of state. */
export function entryKey({ event, data, change }: JournalEntry): string | undefined {
  if (change) return undefined;
  const { id, node, item, attempt, by } = data;
  const kind = event.startsWith('command.') ? 'command' : event;
  const parts = [kind, id, node, item, attempt, by] as (string | number | null | undefined)[];
  return parts.filter((part) => part !== undefined && part !== null).join('|');
}

interface Known {
  told: ReadonlySet<string>;
  /** Where the run's row is. */
  state: RunState;
  /** The flush itself was written before, as another story. */
  is_again: boolean;
  /** Where its workflow is. */
  arrives_at?: RunState;
}

/**
 * The entries that are not written yet. Where the story that was given up has left the run somewhere else than this one
 * (paused, when the pause and its resume came together the second time), a change back is one of them.
 */
export function untold(entries: readonly JournalEntry[], known: Known): JournalEntry[] {
  const { told, state, is_again, arrives_at } = known;
  const arrives = entries.findLast(({ change }) => change)?.change?.to;
  const rest = entries.filter((entry) => {
    const key = entryKey(entry);
    return key === undefined ? !is_again || arrives !== state : !told.has(key);
  });
  const left = continuedFrom(state, rest);
  const from = left.findLast(({ change }) => change)?.change?.to ?? state;
  const last = entries.at(-1);
  if (!last || arrives_at === undefined || arrives_at === from || !mayChange(from, arrives_at)) return left;
  const change = { from, to: arrives_at, actor: 'engine' };
  return [...left, { event: changeEvent(from, arrives_at), at_ms: last.at_ms, data: {}, change }];
}
