import type { JournalEntry } from '../../contract/journal.ts';
import { entryKey, isRetelling, mayBeTold, untold } from './retelling.ts';

const mark = { journal_seq: 7, journal_history: 100, journal_retold: 0 };
const flush = (seq: number, history_length?: number) => ({
  ...{ run_id: 'r', epoch: 0, seq, entries: [], done: 0, total: 1, in_flight: 0, current_step: null },
  ...(history_length === undefined ? {} : { history_length }),
});
const step = (node: string, event: string): JournalEntry => ({ event, at_ms: 0, data: { node, attempt: 1 } });
const answer = (id: string, state: string): JournalEntry => ({
  event: `command.${state}`,
  at_ms: 0,
  data: { id },
});
const change = (from: 'running' | 'paused', to: 'running' | 'paused'): JournalEntry => ({
  ...{ event: `run.${to}`, at_ms: 0, data: {} },
  change: { from, to, actor: 'engine' },
});

test('a flush that comes again on a longer history is told again; on the same history it is the same flush', () => {
  expect(isRetelling(mark, flush(7, 103))).toBe(true);
  expect(isRetelling(mark, flush(6, 103))).toBe(true);
  expect(isRetelling(mark, flush(7, 100))).toBe(false);
  expect(isRetelling(mark, flush(7))).toBe(false);
  expect(isRetelling(mark, flush(8, 103))).toBe(false);
});

test('what follows a flush that was told again may have been written as well', () => {
  const told_again = { journal_seq: 6, journal_history: 103, journal_retold: 8 };
  expect(mayBeTold(told_again, flush(9, 103))).toBe(true);
  expect(mayBeTold(told_again, flush(6, 103))).toBe(false);
  expect(mayBeTold(mark, flush(8, 103))).toBe(false);
});

test('an answer to a command is the same entry whatever it says; a step is told apart by place, attempt and event', () => {
  expect(entryKey(answer('c', 'rejected'))).toBe(entryKey(answer('c', 'acknowledged')));
  expect(entryKey(step('a', 'step.started'))).not.toBe(entryKey(step('a', 'step.succeeded')));
  expect(entryKey(step('a', 'step.started'))).not.toBe(entryKey(step('b', 'step.started')));
});

test('only what was not told is left, and a state that was reached is not reached again', () => {
  const entries = [answer('c', 'acknowledged'), change('running', 'paused'), step('a', 'step.started')];
  const told = new Set([entryKey(entries[2]!)!]);
  expect(untold(entries, { told, state: 'running', is_again: true })).toEqual(entries.slice(0, 2));
  expect(untold(entries, { told, state: 'paused', is_again: true })).toEqual([entries[0]]);
  const back = [change('running', 'paused'), change('paused', 'running')];
  expect(untold(back, { told, state: 'running', is_again: false })).toEqual(back);
});

test('a state that only the story given up has reached is left again', () => {
  const both = [answer('pause', 'superseded'), answer('resume', 'acknowledged')];
  const told = new Set([entryKey(both[0]!)!]);
  const left = untold(both, { told, state: 'paused', is_again: true, arrives_at: 'running' });
  expect(left).toMatchObject([
    both[1]!,
    { event: 'run.resumed', change: { from: 'paused', to: 'running', actor: 'engine' } },
  ]);
  const same = { told, state: 'running', is_again: true, arrives_at: 'running' } as const;
  expect(untold(both, same)).toEqual([both[1]]);
  const ahead = [change('running', 'paused'), ...both];
  expect(untold(ahead, { told, state: 'running', is_again: false, arrives_at: 'paused' })).toEqual([
    ahead[0],
    both[1],
  ]);
});
