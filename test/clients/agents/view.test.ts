import fc from 'fast-check';
import { agentView } from '../../../src/clients/agents/view.ts';
import type { ManagerEvent } from '../../../src/clients/agents/wire.ts';
import { wireAgent } from './follow.ts';

function setUp(max_age_ms = 100) {
  const clock = { ms: 1_000 };
  const left_out: [number, string | undefined][] = [];
  const view = agentView({
    max_age_ms,
    now: () => clock.ms,
    shared_queues: new Set(['shared']),
    onMalformed: (count, id) => left_out.push([count, id]),
  });
  return { view, clock, left_out, ids: () => view.list(1_000).map(({ id }) => id) };
}

it('counts for nothing before anything was heard', () => {
  const { view } = setUp();
  view.update(wireAgent('a'));
  expect([view.isFresh(), view.alive(), view.find('a')?.status]).toEqual([false, [], 'lost']);
});

it.each([
  [0, 100, true],
  [0, 101, false],
  // A list is as old as when it was asked for, not as when it came.
  [-50, 50, true],
  [-50, 51, false],
])('with a list of %i ms, after %i ms is fresh: %s', (age_ms, after_ms, fresh) => {
  const { view, clock } = setUp();
  view.replace([wireAgent('a')], clock.ms + age_ms);
  clock.ms += after_ms;
  expect([view.isFresh(), view.alive().length, view.find('a')?.status]).toEqual(
    fresh ? [true, 1, 'ready'] : [false, 0, 'lost'],
  );
});

it('is not made older by a list that was asked for before something else was heard', () => {
  const { view, clock } = setUp();
  view.heard();
  view.replace([], clock.ms - 1_000);
  expect(view.isFresh()).toBe(true);
});

it.each([
  ['ready', null, true],
  ['ready', '2026-03-01T09:00:00Z', false],
  ['draining', null, false],
  ['stopped', null, false],
  ['lost', null, false],
])('takes an agent that is %s and was asked to restart at %s for one to choose: %s', (...row) => {
  const [status, restart_requested_at, is_alive] = row;
  const { view, clock } = setUp();
  view.replace([wireAgent('a', { status, restart_requested_at })], clock.ms);
  expect(view.alive().length === 1).toBe(is_alive);
});

it('leaves out what cannot be read, and says how many and which', () => {
  const { view, left_out, clock, ids } = setUp();
  view.replace(
    [1, wireAgent('b', { status: 0 }), wireAgent('a'), wireAgent('c', { task_queue: 'shared' })],
    clock.ms,
  );
  expect([ids(), left_out]).toEqual([['a'], [[3, 'b']]]);
});

it('holds no more than it may', () => {
  const { view, clock } = setUp();
  view.replace(
    Array.from({ length: 10_000 }, (_, i) => wireAgent(`a${i}`)),
    clock.ms,
  );
  view.update(wireAgent('b', { revision: 5 }));
  view.update(wireAgent('a1', { revision: 5, name: 'changed' }));
  expect([view.find('b'), view.find('a1')?.name, view.list(20_000).length]).toEqual([
    undefined,
    'changed',
    10_000,
  ]);
});

it.each([
  [4, true],
  [5, false],
  [6, false],
])('of an agent of revision 5, still has it after a removal of revision %i: %s', (revision, is_there) => {
  const { view, clock, ids } = setUp();
  view.replace([wireAgent('a', { revision: 5 })], clock.ms);
  view.apply({ type: 'agent.removed', id: 'a', revision });
  expect(ids()).toEqual(is_there ? ['a'] : []);
});

const id = fc.constantFrom('a', 'b', 'c');

it('pages through all, each once and by id, whatever the size of the pages', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,5}$/)),
      fc.integer({ min: 1, max: 5 }),
      (ids, size) => {
        const { view, clock } = setUp();
        view.replace(
          ids.map((one) => wireAgent(one)),
          clock.ms,
        );
        const seen: string[] = [];
        for (let page = view.list(size); page.length > 0; page = view.list(size, page.at(-1)))
          seen.push(...page.map((agent) => agent.id));
        expect(seen).toEqual([...ids].sort());
      },
    ),
  );
});

it('is as the manager is after all its changes, wherever among them the list was taken and however late some came', () => {
  const change = fc.record({ id, removed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.nat(30), fc.nat(30), (changes, listed, began) => {
      const state = new Map<string, number>();
      const states = [new Map(state)];
      const events = changes.map(({ id: of, removed }, i): ManagerEvent => {
        if (removed) state.delete(of);
        else state.set(of, i + 1);
        states.push(new Map(state));
        return removed
          ? { type: 'agent.removed', id: of, revision: i + 1 }
          : { type: 'agent.updated', agent: wireAgent(of, { revision: i + 1, name: `r${i + 1}` }) };
      });
      const list_at = Math.min(listed, changes.length);
      // The socket was open before the list was made: it says again what the list has already.
      const socket_at = Math.min(began, list_at);
      const { view, clock } = setUp();
      view.replace(
        [...states[list_at]!].map(([one, revision]) => wireAgent(one, { revision, name: `r${revision}` })),
        clock.ms,
      );
      events.slice(socket_at).forEach((event) => view.apply(event));
      const known = view.list(10).map(({ id: one, name }) => [one, name]);
      expect(known).toEqual([...state].map(([one, revision]) => [one, `r${revision}`]).sort());
    }),
    { numRuns: 1_000 },
  );
});
