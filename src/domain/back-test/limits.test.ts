import type { Definition } from '../../contract/definition.ts';
import type { JsonObject } from '../../contract/json.ts';
import { versionOf } from './load.ts';
import type { RecordedRun, RecordedStep } from './recorded.ts';
import { backTestRun } from './report.ts';

const version = (nodes: Record<string, JsonObject>) =>
  versionOf({ schema_version: 1, name: 'x', nodes } as unknown as Definition, 'sha256:x');
const http = (more: JsonObject = {}): JsonObject => ({
  type: 'http',
  config: { url: 'https://x.test/${{ input.n }}', headers: { key: '${{ secrets.key }}' } },
  ...more,
});

const step = (more: Partial<RecordedStep> = {}): RecordedStep => ({
  state: 'succeeded',
  output: { value: { status: 200 } },
  error: null,
  cause: null,
  attempt: 1,
  started_at_ms: 0,
  ended_at_ms: 5_000,
  ...more,
});
const failed: Partial<RecordedStep> = {
  state: 'failed',
  output: { value: null },
  error: { code: 'http_status', message: '500' },
};

function tried(before: JsonObject, after: JsonObject, recorded: RecordedStep) {
  const run: RecordedRun = {
    facts: { id: '1', workflow: 'x', project_id: 'p', created_at: '2026-01-01T00:00:00Z' },
    state: recorded.state === 'failed' ? 'failed' : 'completed',
    error: recorded.error && { ...recorded.error, step: 'a' },
    input: { value: { n: 1 } },
    output: { value: { a: recorded.output } },
    params: [{}],
    tuned_nodes: [],
    created_at_ms: 0,
    steps: { a: recorded },
  };
  const request = { then: version({ a: before }), now: version({ a: after }), run };
  return backTestRun({ ...request, blobs: new Map(), isOutOfTime: () => false }).said;
}

const config = (url: string, secret: string) => ({
  config: { url, headers: { key: `\${{ secrets.${secret} }}` } },
});
const retry = (max_attempts: number, more: JsonObject = {}) => ({ retry: { max_attempts, ...more } });

interface Case {
  title: string;
  before?: JsonObject;
  after: JsonObject;
  recorded?: Partial<RecordedStep>;
  verdict: 'same' | 'undecided';
}

const cases: Case[] = [
  { title: 'more attempts than were needed', after: retry(5), verdict: 'same' },
  {
    title: 'fewer attempts than were needed',
    before: retry(3),
    after: retry(2),
    recorded: { attempt: 3 },
    verdict: 'undecided',
  },
  {
    title: 'as many attempts as were needed',
    before: retry(3),
    after: retry(2),
    recorded: { attempt: 2 },
    verdict: 'same',
  },
  { title: 'an attempt that there was not', after: retry(2), recorded: failed, verdict: 'undecided' },
  {
    title: 'an earlier failure than the last',
    before: retry(3),
    after: retry(2),
    recorded: { ...failed, attempt: 3 },
    verdict: 'undecided',
  },
  {
    title: 'an attempt that it would not be given',
    after: retry(9, { non_retryable: ['http_status'] }),
    recorded: failed,
    verdict: 'same',
  },
  {
    title: 'another pace',
    before: retry(3),
    after: retry(3, { initial_interval_ms: 1 }),
    recorded: { attempt: 3 },
    verdict: 'same',
  },
  { title: 'time enough', after: { timeout_seconds: 6 }, verdict: 'same' },
  { title: 'too little time', after: { timeout_seconds: 4 }, verdict: 'undecided' },
  {
    title: 'more time than ran out',
    before: { timeout_seconds: 5 },
    after: { timeout_seconds: 9 },
    recorded: { ...failed, cause: 'timeout' },
    verdict: 'undecided',
  },
  { title: 'another secret', after: config('https://x.test/1', 'other'), verdict: 'undecided' },
  { title: 'another address', after: config('https://x.test/2', 'key'), verdict: 'undecided' },
  { title: 'the same in other words', after: config('https://x.test/${{ 2 - 1 }}', 'key'), verdict: 'same' },
];

test.each(cases)('$title: $verdict', ({ before, after, recorded, verdict }) => {
  expect(tried(http(before), http(after), step(recorded))).toMatchObject({ verdict, changes: [] });
});

test('an expression of a step that is done outside fails it', () => {
  const after = { type: 'http', config: { url: '${{ input.missing }}' } };
  expect(tried(http(), after, step())).toMatchObject({
    verdict: 'invalid',
    fails: [{ node: 'a', path: '/nodes/a/config/url' }],
    changes: [{ node: 'a', kind: 'other_state', then: 'succeeded', now: 'failed' }],
  });
});

test('what was read in time is missing where the time is over', () => {
  const own = version({ a: http() });
  const request = { then: own, now: own, blobs: new Map(), isOutOfTime: () => true };
  const said = backTestRun({
    ...request,
    run: {
      facts: { id: '1', workflow: 'x', project_id: 'p', created_at: '2026-01-01T00:00:00Z' },
      state: 'completed',
      error: null,
      input: { value: { n: 1 } },
      output: { value: null },
      params: [{}],
      tuned_nodes: [],
      created_at_ms: 0,
      steps: { a: step() },
    },
  }).said;
  expect(said).toMatchObject({ verdict: 'undecided', changes: [] });
  expect(said.unknown).toContainEqual({ node: 'a', reason: 'out_of_time' });
});

test('a large value is asked for once it is needed, and not before', () => {
  const ref = `sha256:${'0'.repeat(64)}`;
  const large = step({ output: { ref } });
  const run = (after: JsonObject) => {
    const then = version({ a: http(), b: { type: 'transform', needs: ['a'], config: { value: 1 } } });
    const now = version({ a: http(), b: { type: 'transform', needs: ['a'], config: { value: after } } });
    const recorded: RecordedRun = {
      facts: { id: '1', workflow: 'x', project_id: 'p', created_at: '2026-01-01T00:00:00Z' },
      state: 'completed',
      error: null,
      input: { value: { n: 1 } },
      output: { value: { b: 1 } },
      params: [{}],
      tuned_nodes: [],
      created_at_ms: 0,
      steps: { a: large, b: step({ output: { value: 1 } }) },
    };
    return (blobs: Map<string, null | JsonObject>) =>
      backTestRun({ then, now, run: recorded, blobs, isOutOfTime: () => false });
  };
  const reading = run('${{ steps.a.output.status }}' as never);
  expect([...run(1 as never)(new Map()).wanted]).toEqual([]);
  expect([...reading(new Map()).wanted]).toEqual([ref]);
  expect(reading(new Map([[ref, { status: 7 }]])).said).toMatchObject({
    verdict: 'different',
    changes: [{ node: 'b', kind: 'other_output', output_then: 1, output_now: 7 }],
  });
  expect(reading(new Map([[ref, null]])).said).toMatchObject({
    verdict: 'undecided',
    unknown: [{ node: 'b', reason: 'value_not_read' }, { node: null }],
  });
});
