import type { JsonObject } from '../../../src/contract/json.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import { startFlakyProduct, type FlakyProduct } from '../../support/flaky-product.ts';
import type { FlakyServer } from '../../support/flaky-server.ts';
import type { Product } from '../../support/product.ts';
import type { RunBody } from '../../support/api-client.ts';

let flaky: FlakyProduct;
let product: Product;
let server: FlakyServer;

beforeAll(async () => {
  flaky = await startFlakyProduct();
  ({ product, server } = flaky);
});
afterAll(() => flaky?.stop());

const get = (path: string, more: JsonObject = {}): JsonObject => ({
  type: 'http',
  config: { url: `${server.url}${path}` },
  ...more,
});

async function outcome(
  name: string,
  nodes: Record<string, JsonObject>,
  input: unknown = {},
  more: JsonObject = {},
) {
  await product.publish(name, definition(name, nodes, more));
  return product.ended((await product.start(name, input)).id);
}

async function again(id: string, how: 'retry' | 'fork', body?: unknown): Promise<RunBody> {
  const { status, body: run } = await product.call<RunBody>('POST', `/runs/${id}/${how}`, body);
  expect({ status, run }).toMatchObject({ status: 202 });
  return product.ended(run.id);
}

const states = async (id: string) =>
  Object.fromEntries(
    (await product.steps(id)).map(({ node, state, reused_from }) => [node, reused_from ?? state]),
  );

test('a retry begins at the failed step, on the same version; what succeeded is not done again', async () => {
  const first = await outcome(
    'retry',
    {
      a: get('/retry-a'),
      big: transform('${{ input.list }}'),
      b: get('/retry-b/fail-1', { needs: ['a'] }),
      c: transform('${{ [steps.b.output.body.times, steps.a.output.body.times, size(steps.big.output)] }}', {
        needs: ['b', 'big'],
      }),
    },
    { list: Array.from({ length: 9_000 }, (_, n) => n) },
  );
  expect(first).toMatchObject({ state: 'failed', error: { step: 'b' } });
  expect(first.next_actions).toContainEqual(
    expect.objectContaining({ action: 'retry', href: `/api/v1/runs/${first.id}/retry` }),
  );
  await product.publish('retry', definition('retry', { other: transform(1) }));
  const second = await again(first.id, 'retry');
  expect(second).toMatchObject({
    state: 'completed',
    output: { c: [2, 1, 9_000] },
    version_hash: first.version_hash,
    forked_from: first.id,
    forked_from_step: 'b',
    workflow: 'retry',
    progress: { done: 4, total: 4 },
  });
  expect(server.asked.get('/retry-a')).toBe(1);
  expect(await states(second.id)).toEqual({ a: first.id, big: first.id, b: 'succeeded', c: 'succeeded' });
  const [queued] = await product.events(second.id);
  expect(queued?.data).toMatchObject({ forked_from: first.id, from_step: 'b', reused: ['a', 'big'] });
  const { body } = await product.call<{ snapshot: { steps: { node: string }[] } }>(
    'GET',
    `/runs/${second.id}/snapshot`,
  );
  expect(body.snapshot.steps.map(({ node }) => node)).toEqual(['a', 'b', 'big', 'c']);
});

test('a retry of a retry names the run that did the work', async () => {
  const first = await outcome('retry-twice', {
    a: get('/twice-a'),
    b: get('/twice-b/fail-2', { needs: ['a'] }),
  });
  const second = await again(first.id, 'retry');
  expect(second.state).toBe('failed');
  const third = await again(second.id, 'retry');
  expect(third.state).toBe('completed');
  expect(await states(third.id)).toEqual({ a: first.id, b: 'succeeded' });
  expect(server.asked.get('/twice-a')).toBe(1);
});

test('what was undone is done again', async () => {
  const first = await outcome('retry-undone', {
    a: get('/undone-a', { compensate: get('/undo-a') }),
    b: get('/undone-b/fail-1', { needs: ['a'] }),
  });
  const second = await again(first.id, 'retry');
  expect(second.state).toBe('completed');
  expect(server.asked.get('/undone-a')).toBe(2);
});

test('a fork begins at any step, with another input, other params and on another version', async () => {
  const nodes = (factor: number) => ({
    a: get('/fork-a'),
    b: transform(`\${{ input.n * params.m * ${factor} }}`, { needs: ['a'] }),
    c: transform('${{ steps.b.output + 1 }}', { needs: ['b'] }),
  });
  const first = await outcome('fork', nodes(1), { n: 2 }, { params: { m: 10 } });
  expect(first.output).toEqual({ c: 21 });
  expect((await again(first.id, 'fork', { from_step: 'c' })).output).toEqual({ c: 21 });
  const patched = await again(first.id, 'fork', {
    from_step: 'b',
    input_patch: [{ op: 'replace', path: '/n', value: 3 }],
    params_patch: [{ op: 'add', path: '/m', value: 100 }],
  });
  expect(patched).toMatchObject({ output: { c: 301 }, input: { n: 3 }, params: { m: 100 } });
  await product.publish(
    'fork',
    definition(
      'fork',
      { ...nodes(5), d: transform('${{ steps.c.output }}', { needs: ['c'] }) },
      { params: { m: 10 } },
    ),
  );
  const newer = await again(first.id, 'fork', { from_step: 'b', workflow: 'fork' });
  expect(newer).toMatchObject({ output: { d: 101 }, progress: { done: 4, total: 4 } });
  expect(newer.version_hash).not.toBe(first.version_hash);
  expect(server.asked.get('/fork-a')).toBe(1);
  expect(await states(newer.id)).toMatchObject({ a: first.id, b: 'succeeded' });
});

test('a run that goes on, has completed or is unknown cannot be retried, and a fork needs a step that is there', async () => {
  const done = await outcome('done', { a: transform(1) });
  const call = (id: string, how: string, body?: unknown) =>
    product.call<{ code: string; errors?: { path: string }[] }>('POST', `/runs/${id}/${how}`, body);
  expect(await call(done.id, 'retry')).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
  expect(await call('01a1fdcc-be23-7adc-b877-52485e0962b6', 'retry')).toMatchObject({ status: 404 });
  expect(await call(done.id, 'fork', { from_step: 'nope' })).toMatchObject({
    status: 422,
    body: { errors: [{ path: '/from_step' }] },
  });
  expect(await call(done.id, 'fork', {})).toMatchObject({ status: 422 });
  expect(
    await call(done.id, 'fork', { from_step: 'a', input_patch: [{ op: 'replace', path: '/x', value: 1 }] }),
  ).toMatchObject({
    status: 409,
    body: { errors: [{ path: expect.stringMatching(/^\/input_patch/) as unknown }] },
  });
  expect(await call(done.id, 'fork', { from_step: 'a', workflow: 'nobody' })).toMatchObject({ status: 404 });
  await product.publish('going', definition('going', { w: wait(60) }));
  const { id } = await product.start('going');
  expect(await call(id, 'retry')).toMatchObject({ status: 409 });
  await product.call('POST', `/runs/${id}/cancel`);
  expect(await product.ended(id)).toMatchObject({ state: 'cancelled' });
});

test('two retries at once are two runs, neither of which does the finished work again', async () => {
  const first = await outcome('retry-race', {
    a: get('/race-a'),
    b: get('/race-b/fail-1', { needs: ['a'] }),
  });
  const both = await Promise.all([again(first.id, 'retry'), again(first.id, 'retry')]);
  expect(both.map(({ state }) => state)).toEqual(['completed', 'completed']);
  expect(server.asked.get('/race-a')).toBe(1);
});
