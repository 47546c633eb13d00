import { newId } from '../../../src/ids.ts';
import { bash, definition, fourLightSteps, transform, wait } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import type { RunBody } from '../../support/api-client.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct({ code: true });
});
afterAll(async () => {
  await stopSoundly(product);
});

async function outcomeOf(
  name: string,
  nodes: Parameters<typeof definition>[1],
  input: unknown = {},
): Promise<RunBody> {
  await product.publish(name, definition(name, nodes));
  return product.ended((await product.start(name, input)).id);
}

async function statesOf(id: string): Promise<Record<string, string>> {
  return Object.fromEntries((await product.steps(id)).map((step) => [step.node, step.state]));
}

test('a definition runs to its end and its output, steps and events are there', async () => {
  await product.publish('four', fourLightSteps('four'));
  const started = await product.start('four', { n: 4 });
  expect(started).toMatchObject({ state: 'queued', workflow: 'four', type: 'dag' });
  const run = await product.ended(started.id);
  expect(run).toMatchObject({
    state: 'completed',
    output: { d: { result: 10 } },
    error: null,
    progress: { done: 4, total: 4 },
  });
  const events = await product.events(run.id);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.map((event) => event.type)).toEqual([
    'run.queued',
    'run.started',
    ...Array.from({ length: 4 }, () => ['step.started', 'step.succeeded']).flat(),
    'run.completed',
  ]);
  const steps = await product.steps(run.id);
  expect(steps.map(({ node, state, output }) => [node, state, output])).toEqual([
    ['a', 'succeeded', 4],
    ['b', 'succeeded', 5],
    ['c', 'succeeded', 10],
    ['d', 'succeeded', { result: 10 }],
  ]);
});

test('what leads to a skipped or failed step is skipped, unless it asked to go on', async () => {
  const run = await outcomeOf(
    'joins',
    {
      no: transform(1, { if: '${{ input.n > 1 }}' }),
      behind: transform(2, { needs: ['no'] }),
      anyway: transform(
        { state: '${{ steps.no.state }}', output: '${{ steps.no.output }}' },
        { needs: ['no'], if: '${{ always() }}' },
      ),
      tolerant: transform('${{ input.nothing.here }}', { continue_on_error: true }),
      after: transform('${{ steps.tolerant.error.code }}', { needs: ['tolerant'] }),
    },
    { n: 1 },
  );
  expect(run.state).toBe('completed');
  expect(await statesOf(run.id)).toEqual({
    no: 'skipped',
    behind: 'skipped',
    anyway: 'succeeded',
    tolerant: 'failed',
    after: 'succeeded',
  });
  expect(run.output).toEqual({
    behind: null,
    anyway: { state: 'skipped', output: null },
    after: 'expression_error',
  });
});

test('after a failure nothing new is dispatched, but what always runs does', async () => {
  const run = await outcomeOf('failing', {
    soon: wait(0.2),
    bad: transform('${{ 1 / 0 }}', { needs: ['soon'] }),
    behind: transform(1, { needs: ['bad'] }),
    slow: wait(600),
    after_slow: transform(1, { needs: ['slow'] }),
    clean_up: transform('${{ steps.bad.state }}', { needs: ['bad'], if: '${{ always() }}' }),
  });
  expect(run).toMatchObject({
    state: 'failed',
    output: null,
    error: { code: 'expression_error', step: 'bad' },
  });
  expect(await statesOf(run.id)).toEqual({
    soon: 'succeeded',
    bad: 'failed',
    behind: 'skipped',
    slow: 'cancelled',
    after_slow: 'skipped',
    clean_up: 'succeeded',
  });
});

test('after a failure programs that always run do too, each item of a map, and with their retries', async () => {
  const always = { needs: ['bad'], if: '${{ always() }}' };
  const run = await outcomeOf('failing-hard', {
    bad: bash('exit 1'),
    clean_up: bash('echo $ATTEMPT; false', {
      ...always,
      retry: { max_attempts: 2, initial_interval_ms: 10 },
    }),
    each: { type: 'map', config: { items: [1, 2], node: bash('echo swept') }, ...always },
  });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'non_zero_exit', step: 'bad' } });
  const steps = await product.steps(run.id);
  const told = steps.map(({ node, item, attempt, state }) => [node, item, attempt, state]);
  expect(told.sort()).toEqual([
    ['bad', null, 1, 'failed'],
    ['clean_up', null, 1, 'failed'],
    ['clean_up', null, 2, 'failed'],
    ['each', null, 1, 'succeeded'],
    ['each', 0, 1, 'succeeded'],
    ['each', 1, 1, 'succeeded'],
  ]);
});

test('a failing program is tried again as its retry says, and each attempt is a row', async () => {
  const run = await outcomeOf('retrying', {
    flaky: bash('exit 7', { retry: { max_attempts: 3, initial_interval_ms: 20, backoff: 1 } }),
    never: bash('exit 8', {
      retry: { max_attempts: 3, non_retryable: ['non_zero_exit'] },
      continue_on_error: true,
    }),
  });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'non_zero_exit', step: 'flaky' } });
  const steps = await product.steps(run.id);
  expect(steps.filter((step) => step.node === 'flaky').map((step) => step.attempt)).toEqual([1, 2, 3]);
  expect(steps.filter((step) => step.node === 'never')).toHaveLength(1);
});

test('a step that outlives its timeout fails the run, with what it had printed', async () => {
  const run = await outcomeOf('late', { late: bash('echo begun; sleep 30', { timeout_seconds: 1 }) });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'timeout', step: 'late' } });
  const [step] = await product.steps(run.id);
  expect(step).toMatchObject({ state: 'failed', cause: 'timeout', output: { stdout: 'begun\n' } });
});

test('code reads its input, the files of the definition, and leaves artifacts', async () => {
  const source =
    'import json,sys\nd=json.load(sys.stdin)\nopen("out/r.txt","w").write("kept")\nprint(json.dumps({"n":d["n"],"f":open("data/x.txt").read()}))';
  await product.publish(
    'files',
    definition(
      'files',
      {
        py: { type: 'code', config: { language: 'python', source, stdin: '${{ input }}' } },
        js: {
          type: 'code',
          needs: ['py'],
          config: {
            language: 'javascript',
            source: 'console.log(process.argv[2] + process.env.W)',
            args: ['${{ steps.py.output.result.f }}'],
            env: { W: '${{ input.n }}' },
          },
        },
      },
      { files: { 'data/x.txt': 'beside' }, output: '${{ steps }}' },
    ),
  );
  const run = await product.ended((await product.start('files', { n: 3 })).id);
  expect(run.state).toBe('completed');
  const output = run.output as Record<
    string,
    { output: { result: unknown; stdout: string; artifacts: { path: string; cas_id: string }[] } }
  >;
  expect(output.py?.output.result).toEqual({ n: 3, f: 'beside' });
  expect(output.js?.output.stdout).toBe('beside3\n');
  const [artifact] = output.py?.output.artifacts ?? [];
  const blob = await fetch(`${product.url}/api/v1/blobs/${artifact?.cas_id}`, {
    headers: { authorization: `Bearer ${product.token}` },
  });
  expect(await blob.text()).toBe('kept');
});

test('a run keeps the version it started with, and its manifest and snapshot say which', async () => {
  const first = await product.publish(
    'pinned',
    definition('pinned', { a: wait(1), b: transform('old', { needs: ['a'] }) }),
  );
  const started = await product.start('pinned');
  await product.publish(
    'pinned',
    definition('pinned', { a: wait(1), b: transform('new', { needs: ['a'] }) }),
  );
  const run = await product.ended(started.id);
  expect(run.output).toEqual({ b: 'old' });
  expect(run.version_hash).toBe(first.version_hash);
  const snapshot = await product.call<{ snapshot: Record<string, unknown> }>(
    'GET',
    `/runs/${run.id}/snapshot`,
  );
  expect(snapshot.body.snapshot).toMatchObject({
    definition: first.version_hash,
    outcome: { state: 'completed' },
  });
  const manifest = await product.call<{ cas_id: string }>('GET', `/artifacts/${String(run.manifest_id)}`);
  const blob = await product.call(`GET`, `/blobs/${manifest.body.cas_id}`);
  expect(blob.body).toMatchObject({
    requested_ref: 'pinned',
    resolved: { version_hash: first.version_hash, tag: 'pinned', tag_version: 1 },
  });
});

test('input and params are checked against their schemas, every problem at once', async () => {
  const schema = {
    type: 'object',
    required: ['n'],
    properties: { n: { type: 'integer' }, s: { type: 'string' } },
  };
  await product.publish(
    'checked',
    definition(
      'checked',
      { a: transform('${{ input.n * params.f }}') },
      {
        input_schema: schema,
        params: { f: 2 },
        params_schema: { type: 'object', properties: { f: { type: 'number', maximum: 10 } } },
      },
    ),
  );
  const refused = await product.call<{ code: string; errors: { path: string }[] }>('POST', '/runs', {
    workflow: 'checked',
    input: { s: 1 },
    params: { f: 11 },
  });
  expect(refused.status).toBe(422);
  expect(refused.body.code).toBe('input_invalid');
  expect(refused.body.errors.map((e) => e.path).sort()).toEqual(['/input/n', '/input/s', '/params/f']);
  const run = await product.ended((await product.start('checked', { n: 4 }, { params: { f: 2.5 } })).id);
  expect(run.output).toEqual({ a: 10 });
});

test('runs are listed newest first, filtered, and paged to the end without a repeat', async () => {
  await product.publish('listed', fourLightSteps('listed'));
  const ids: string[] = [];
  for (let n = 0; n < 5; n++)
    ids.push((await product.start('listed', { n }, { labels: { batch: 'x', n: String(n) } })).id);
  await Promise.all(ids.map((id) => product.ended(id)));
  const seen: string[] = [];
  let cursor = '';
  for (;;) {
    const { body } = await product.call<{ items: RunBody[]; next_cursor: string | null }>(
      'GET',
      `/runs?workflow=listed&status=completed&limit=2${cursor}`,
    );
    seen.push(...body.items.map((run) => run.id));
    // Rows that come while paging must not shift the pages.
    await product.start('listed', { n: 9 });
    if (body.next_cursor === null) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  expect(seen.filter((id) => ids.includes(id))).toEqual([...ids].reverse());
  expect(new Set(seen).size).toBe(seen.length);
  const labelled = await product.call<{ items: RunBody[] }>('GET', '/runs?label=batch:x&label=n:3');
  expect(labelled.body.items.map((run) => run.id)).toEqual([ids[3]]);
  expect(
    (await product.call<{ items: RunBody[] }>('GET', '/workflows/listed/runs?limit=3')).body.items,
  ).toHaveLength(3);
  expect((await product.call('GET', '/runs?status=nonsense')).status).toBe(422);
  expect((await product.call('GET', '/runs?sort=id')).status).toBe(400);
});

test('fifty equal requests with one idempotency key start one run', async () => {
  await product.publish('once', fourLightSteps('once'));
  // The run's id comes of it, and Temporal outlives this database.
  const key = newId();
  const request = () =>
    product.call<RunBody>('POST', '/runs', { workflow: 'once', input: { n: 1 } }, { 'idempotency-key': key });
  const answers = await Promise.all(Array.from({ length: 50 }, request));
  expect(new Set(answers.map((answer) => answer.status))).toEqual(
    new Set(answers.some((a) => a.status === 409) ? [202, 409] : [202]),
  );
  const settled = await request();
  expect(settled.headers.get('idempotent-replayed')).toBe('true');
  const runs = await product.call<{ items: RunBody[] }>('GET', '/runs?workflow=once');
  expect(runs.body.items.map((run) => run.id)).toEqual([settled.body.id]);
  const other = await product.call(
    'POST',
    '/runs',
    { workflow: 'once', input: { n: 2 } },
    { 'idempotency-key': key },
  );
  expect(other.status).toBe(422);
  await product.ended(settled.body.id);
});

test('what cannot be started says so', async () => {
  expect((await product.call('POST', '/runs', { workflow: 'no-such-workflow' })).status).toBe(404);
  expect((await product.call('POST', '/runs', {})).status).toBe(422);
  expect((await product.call('POST', '/runs', { workflow: 'four', nonsense: 1 })).status).toBe(400);
  expect((await product.call('POST', '/runs', { type: 'dag' })).status).toBe(422);
  expect((await product.call('GET', '/runs/01a1fcaf-14eb-71a6-a7f3-3089f45f8b47')).status).toBe(404);
  expect((await product.call('GET', '/runs/not-an-id')).status).toBe(422);
});

test('events stream as they come and resume after the last one seen', async () => {
  await product.publish(
    'streamed',
    definition('streamed', {
      a: transform(1),
      w: wait(1, { needs: ['a'] }),
      b: transform(2, { needs: ['w'] }),
    }),
  );
  const { id } = await product.start('streamed');
  const live = await readStream(`/runs/${id}/events/stream`, {});
  const all = (await product.events(id)).map((event) => event.seq);
  expect(live).toEqual(all);
  expect(await readStream(`/runs/${id}/events/stream`, { 'last-event-id': '4' })).toEqual(all.slice(4));
});

async function readStream(path: string, headers: Record<string, string>): Promise<number[]> {
  const response = await fetch(`${product.url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${product.token}`, ...headers },
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return [...(await response.text()).matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
}
