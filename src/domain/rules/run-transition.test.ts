import type { JournalEntry } from '../../contract/journal.ts';
import { RUN_STATES, RUN_TRANSITIONS, type RunState } from '../../contract/run.ts';
import { continuedFrom, forbiddenChange, mayChange } from './run-transition.ts';

const note = (from?: RunState, to?: RunState): JournalEntry => ({
  event: to ? `run.${to}` : 'step.succeeded',
  at_ms: 0,
  data: {},
  ...(from && to ? { change: { from, to, actor: 'engine' } } : {}),
});

it.each(RUN_STATES.flatMap((from) => RUN_STATES.map((to) => ({ from, to }))))(
  'says of $from → $to what the table says',
  ({ from, to }) => {
    expect(mayChange(from, to)).toBe(RUN_TRANSITIONS[from].includes(to));
    expect(forbiddenChange([note(from, to)]) === undefined).toBe(RUN_TRANSITIONS[from].includes(to));
  },
);

it('lets a flush carry several changes that join', () => {
  const entries = [note('queued', 'running'), note(), note('running', 'paused'), note('paused', 'running')];
  expect(forbiddenChange(entries)).toBeUndefined();
  expect(forbiddenChange([])).toBeUndefined();
});

it('finds a change that does not begin where the one before it ended', () => {
  const torn = note('running', 'completed');
  expect(forbiddenChange([note('running', 'paused'), torn])).toEqual(torn.change);
});

describe('a flush for a row in another state', () => {
  it('goes on from the row’s state', () => {
    const [plain, change, later] = continuedFrom('provisioning', [
      note(),
      note('queued', 'running'),
      note('running', 'paused'),
    ]);
    expect(plain).toEqual(note());
    expect(change?.change).toMatchObject({ from: 'provisioning', to: 'running' });
    expect(later).toEqual(note('running', 'paused'));
  });

  it('changes nothing where the row already is, and keeps the event', () => {
    const entries = continuedFrom('paused', [note('running', 'paused'), note('paused', 'running')]);
    expect(entries.map(({ event, change }) => [event, change?.from])).toEqual([
      ['run.paused', undefined],
      ['run.running', 'paused'],
    ]);
  });
});
