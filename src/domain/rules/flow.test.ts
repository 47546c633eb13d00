import type { Definition } from '../../contract/definition.ts';
import { codeOf } from '../../../test/support/store.ts';
import { gatesOf, isHeld, wasNeverAdmitted, waitingFor } from './flow.ts';

const run = { id: 'r', workflow: 'w', project_id: 'p', created_at: new Date(0) };
const definition = (more: Partial<Definition>): Definition => ({
  schema_version: 1,
  name: 'w',
  nodes: {},
  ...more,
});
const gates = (more: Partial<Definition>, input: object = {}) =>
  gatesOf(definition(more), { input: input as never, params: { p: 2 }, run });

test('a definition without limits has no gates', () => {
  expect(gates({})).toBeUndefined();
  for (const limits of [
    { concurrency: { limit: 1 } },
    { rate_limit: { per_second: 1 } },
    { start_policy: {} },
  ])
    expect(gates(limits)).toBeDefined();
});

test('a key that is left out is the name of the workflow, and the policies are the mildest', () => {
  expect(gates({ concurrency: { limit: 3 }, rate_limit: { per_second: 5 }, start_policy: {} })).toEqual({
    columns: { flow_key: 'w', flow_limit: 3, rate_key: 'w', rate_per_second: 5, start_id: 'w' },
    on_limit: 'queue',
    on_conflict: 'fail',
  });
});

test('keys are text, made from input and params', () => {
  const concurrency = { limit: 1, key: 'c-${{ input.c }}-${{ params.p }}', on_limit: 'reject' } as const;
  const start_policy = { id: '${{ input.n }}', on_conflict: 'use_existing' } as const;
  expect(gates({ concurrency, start_policy }, { c: 'x', n: 7 })).toEqual({
    columns: { flow_key: 'c-x-2', flow_limit: 1, start_id: '7' },
    on_limit: 'reject',
    on_conflict: 'use_existing',
  });
});

test.each([
  ['missing', {}],
  ['empty', { c: '' }],
  ['null', { c: null }],
  ['too long', { c: 'x'.repeat(501) }],
  ['not storable', { c: 'a\u0000' }],
])('a key that is %s is refused', async (_, input) => {
  const made = Promise.resolve().then(() =>
    gates({ concurrency: { limit: 1, key: '${{ input.c }}' } }, input),
  );
  expect(await codeOf(made)).toBe('expression_error');
});

const row = { flow_key: 'k', flow_limit: 1, rate_key: null, rate_per_second: null, start_id: null };

test('a run is held from its acceptance to its admission or its end', () => {
  const waiting = { ...row, admitted_at: null, ended_at: null };
  expect([isHeld(waiting), wasNeverAdmitted(waiting)]).toEqual([true, true]);
  expect(waitingFor(waiting as never)).toEqual({ concurrency: { key: 'k', limit: 1 } });
  const ended = { ...waiting, ended_at: new Date() };
  expect([isHeld(ended), wasNeverAdmitted(ended)]).toEqual([false, true]);
  const admitted = { ...waiting, admitted_at: new Date() };
  expect([isHeld(admitted), wasNeverAdmitted(admitted), waitingFor(admitted as never)]).toEqual([
    false,
    false,
    null,
  ]);
  const free = { ...waiting, flow_key: null };
  expect([isHeld(free), wasNeverAdmitted(free), waitingFor(free as never)]).toEqual([false, false, null]);
});
