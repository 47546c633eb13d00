import type { JsonObject } from '../../../src/contract/json.ts';
import type { StepBody } from '../../support/api-client.ts';
import { bash, definition, transform, wait } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startFlakyProduct, type FlakyProduct } from '../../support/flaky-product.ts';
import type { FlakyServer } from '../../support/flaky-server.ts';
import type { Product } from '../../support/product.ts';

let flaky: FlakyProduct;
let product: Product;
let server: FlakyServer;

beforeAll(async () => {
  flaky = await startFlakyProduct({
    code: true,
    env: {
      ORCHESTRATOR_RUNS_CONTINUE_AS_NEW_AFTER_EVENTS: '150',
    },
  });
  ({ product, server } = flaky);
});
afterAll(() => flaky?.stop());

const map = (
  items: unknown,
  node: JsonObject,
  config: JsonObject = {},
  more: JsonObject = {},
): JsonObject => ({
  type: 'map',
  config: { items: items as string, node, ...config },
  ...more,
});
const get = (path: string, more: JsonObject = {}): JsonObject => ({
  type: 'http',
  config: { url: `${server.url}${path}` },
  ...more,
});

async function begin(name: string, nodes: Record<string, JsonObject>, input: unknown = {}) {
  await product.publish(name, definition(name, nodes));
  return (await product.start(name, input)).id;
}

async function outcome(name: string, nodes: Record<string, JsonObject>, input: unknown = {}) {
  return product.ended(await begin(name, nodes, input), 60);
}

const items = async (id: string, node = 'each'): Promise<StepBody[]> =>
  (await product.steps(id)).filter((step) => step.node === node && step.item !== null);

test('a map gives what its items gave, in the order of the list', async () => {
  const run = await outcome(
    'map-order',
    {
      each: map('${{ input.list }}', transform('${{ item * 2 + input.add }}')),
      sum: transform('${{ sum(steps.each.output) }}', { needs: ['each'] }),
    },
    { list: [5, 1, 3], add: 1 },
  );
  expect(run).toMatchObject({ state: 'completed', output: { sum: 21 }, progress: { done: 2, total: 2 } });
  const steps = await items(run.id);
  expect(steps.map(({ item, output }) => [item, output]).sort()).toEqual([
    [0, 11],
    [1, 3],
    [2, 7],
  ]);
});

test('an empty list gives an empty list, and what is no list fails the map', async () => {
  const empty = await outcome('map-empty', { each: map('${{ input.list }}', bash('echo 1')) }, { list: [] });
  expect(empty).toMatchObject({ state: 'completed', output: { each: [] } });
  const none = await outcome(
    'map-no-list',
    { each: map('${{ input.list }}', bash('echo 1')) },
    { list: 'abc' },
  );
  expect(none).toMatchObject({ state: 'failed', error: { code: 'expression_error', step: 'each' } });
});

test('no more items are under way than max_parallel allows', async () => {
  const list = Array.from({ length: 12 }, (_, n) => n);
  const run = await outcome(
    'map-parallel',
    { each: map('${{ input.list }}', get('/slow-60/${{ item }}'), { max_parallel: 3 }) },
    { list },
  );
  expect(run.state).toBe('completed');
  const spans = (await items(run.id)).map(({ started_at, ended_at }) => [
    Date.parse(started_at as string),
    Date.parse(ended_at as string),
  ]);
  const together = spans.map(([at]) => spans.filter(([from, to]) => from! <= at! && at! < to!).length);
  expect(spans).toHaveLength(12);
  expect(Math.max(...together)).toBeLessThanOrEqual(3);
  expect(Math.max(...together)).toBeGreaterThan(1);
});

test('a list too large for the workflow is worked on all the same, by light and by heavy bodies', async () => {
  const list = Array.from({ length: 40 }, (_, n) => ({ n, text: 'x'.repeat(2_000) }));
  const run = await outcome(
    'map-large',
    {
      light: map('${{ input.list }}', transform({ n: '${{ item.n }}', text: '${{ item.text }}' })),
      heavy: map(
        '${{ steps.light.output }}',
        { type: 'http', config: { url: `${server.url}/large/\${{ item.n }}` } },
        {},
        { needs: ['light'] },
      ),
      out: transform('${{ steps.heavy.output.map(x, x.body.path) }}', { needs: ['heavy'] }),
    },
    { list },
  );
  expect(run.error).toBeNull();
  expect((run.output as { out: string[] }).out).toEqual(list.map(({ n }) => `/large/${n}`));
  const light = (await product.steps(run.id)).find((step) => step.node === 'light' && step.item === null);
  expect(light).toMatchObject({ state: 'succeeded', output: null });
  expect(light?.output_ref).toMatch(/^sha256:/);
});

test('each item is tried again by itself', async () => {
  const retry = { max_attempts: 3, initial_interval_ms: 10, backoff: 1 };
  const run = await outcome('map-retry', {
    each: map([0, 1, 2], get('/retried-${{ item }}/fail-${{ item }}', { retry })),
  });
  expect(run.state).toBe('completed');
  expect([0, 1, 2].map((n) => server.asked.get(`/retried-${n}/fail-${n}`))).toEqual([1, 2, 3]);
  const attempts = (await items(run.id)).map(
    ({ item, attempt, state }) => `${item as number}.${attempt} ${state}`,
  );
  expect(attempts.sort()).toEqual([
    '0.1 succeeded',
    '1.1 failed',
    '1.2 succeeded',
    '2.1 failed',
    '2.2 failed',
    '2.3 succeeded',
  ]);
});

test('with on_item_error continue a failed item is null; otherwise it fails the map and no further item begins', async () => {
  const body = get('/partly-${{ item }}/fail-${{ item == 1 ? 9 : 0 }}');
  const partly = await outcome('map-partly', { each: map([0, 1, 2], body, { on_item_error: 'continue' }) });
  expect(partly.state).toBe('completed');
  expect((partly.output as { each: unknown[] }).each.map((one) => one !== null)).toEqual([true, false, true]);
  const list = Array.from({ length: 30 }, (_, n) => n);
  const failing = await outcome('map-failing', {
    each: map(list, get('/failing-${{ item }}/fail-${{ item == 2 ? 9 : 0 }}'), { max_parallel: 2 }),
    after: transform(1, { needs: ['each'] }),
  });
  expect(failing).toMatchObject({ state: 'failed', error: { step: 'each' } });
  expect(failing.error?.message).toContain('Item 2:');
  expect((await items(failing.id)).length).toBeLessThan(10);
  const after = (await product.steps(failing.id)).find((step) => step.node === 'after');
  expect(after?.state).toBe('skipped');
});

test('a pause lets items under way end and begins no other; after the resume the map goes on', async () => {
  const list = Array.from({ length: 8 }, (_, n) => n);
  const id = await begin('map-pause', {
    each: map(list, get('/held-pause/p${{ item }}'), { max_parallel: 2 }),
  });
  while ((await items(id)).length < 2) await new Promise((resolve) => setTimeout(resolve, 25));
  expect((await product.call('POST', `/runs/${id}/pause`)).status).toBe(202);
  await eventually(async () => (await product.events(id)).some(({ type }) => type === 'run.pausing'));
  server.open('pause');
  await product.until(id, (run) => run.state === 'paused');
  const then = await items(id);
  expect(then.every(({ state }) => state === 'succeeded')).toBe(true);
  expect(then.length).toBe(2);
  await product.call('POST', `/runs/${id}/resume`);
  const run = await product.ended(id);
  expect(run.state).toBe('completed');
  expect(list.map((n) => server.asked.get(`/held-pause/p${n}`))).toEqual(list.map(() => 1));
});

test('a cancelled map leaves no item behind', async () => {
  const id = await begin('map-cancel', { each: map([1, 2, 3], bash('sleep 30')) });
  while ((await items(id)).length < 2) await new Promise((resolve) => setTimeout(resolve, 25));
  await product.call('POST', `/runs/${id}/cancel`);
  expect(await product.ended(id)).toMatchObject({ state: 'cancelled' });
  expect(new Set((await product.steps(id)).map(({ state }) => state))).toEqual(new Set(['cancelled']));
});

test('a map that outlasts its timeout fails, and what it had under way is cancelled', async () => {
  const run = await outcome('map-timeout', {
    each: map([1, 2, 3], wait(30), { max_parallel: 2 }, { timeout_seconds: 3 }),
  });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'timeout', step: 'each' } });
  expect((await items(run.id)).map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
});

test('a long map goes on over several executions of the run, each item once', async () => {
  const list = Array.from({ length: 60 }, (_, n) => n);
  const run = await outcome(
    'map-long',
    {
      each: map('${{ input.list }}', get('/long/${{ item }}'), { max_parallel: 4 }),
      out: transform('${{ steps.each.output.map(x, x.body.times) }}', { needs: ['each'] }),
    },
    { list },
  );
  expect(run).toMatchObject({ state: 'completed', output: { out: list.map(() => 1) } });
  expect(await items(run.id)).toHaveLength(60);
});

test('a decision is for one item of a map of approvals', async () => {
  const id = await begin('map-approve', {
    each: map(['a', 'b'], { type: 'approval', config: { prompt: 'Is ${{ item }} good?' } }),
  });
  const waiting = async () => (await items(id)).filter(({ state }) => state === 'waiting').length;
  while ((await waiting()) < 2) await new Promise((resolve) => setTimeout(resolve, 25));
  const decide = (body: unknown) => product.call('POST', `/runs/${id}/approvals/each`, body);
  expect((await decide({ decision: 'approve' })).status).toBe(404);
  expect((await decide({ decision: 'approve', item: 7 })).status).toBe(409);
  expect((await decide({ decision: 'approve', item: 1 })).status).toBe(202);
  expect((await decide({ decision: 'approve', item: 0 })).status).toBe(202);
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
});
