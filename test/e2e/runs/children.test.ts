import type { JsonObject } from '../../../src/contract/json.ts';
import { bash, definition, transform, wait } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startFlakyProduct, type FlakyProduct } from '../../support/flaky-product.ts';
import type { FlakyServer } from '../../support/flaky-server.ts';
import type { Product } from '../../support/product.ts';
import type { RunBody } from '../../support/api-client.ts';

let flaky: FlakyProduct;
let product: Product;
let server: FlakyServer;

beforeAll(async () => {
  flaky = await startFlakyProduct({ code: true });
  ({ product, server } = flaky);
});
afterAll(() => flaky?.stop());

const run = (workflow: string, config: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  type: 'run',
  config: { workflow, ...config },
  ...more,
});

async function begin(name: string, nodes: Record<string, JsonObject>, input: unknown = {}) {
  await product.publish(name, definition(name, nodes));
  return (await product.start(name, input)).id;
}

const outcome = async (name: string, nodes: Record<string, JsonObject>, input: unknown = {}) =>
  product.ended(await begin(name, nodes, input));

async function childrenOf(id: string): Promise<RunBody[]> {
  const { body } = await product.call<{ items: RunBody[] }>('GET', `/runs?parent_run_id=${id}`);
  return body.items;
}

async function onlyChild(id: string): Promise<RunBody> {
  for (let tries = 0; tries < 400; tries++) {
    const [child] = await childrenOf(id);
    if (child && child.state !== 'queued') return child;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`run ${id} has no child`);
}

test('a step runs another workflow and has what it gave', async () => {
  await product.publish(
    'child-sum',
    definition('child-sum', { s: transform('${{ input.a + params.b }}') }, { params: { b: 1 } }),
  );
  const parent = await outcome(
    'parent-sum',
    {
      go: run('child-sum', { input: { a: '${{ input.a }}' }, params: { b: 10 } }),
      out: transform('${{ steps.go.output.output.s + 1 }}', { needs: ['go'] }),
    },
    { a: 5 },
  );
  expect(parent).toMatchObject({ state: 'completed', output: { out: 16 } });
  const [child] = await childrenOf(parent.id);
  expect(child).toMatchObject({
    state: 'completed',
    workflow: 'child-sum',
    parent_node: 'go',
    params: { b: 10 },
  });
  const [step] = (await product.steps(parent.id)).filter(({ node }) => node === 'go');
  expect(step?.output).toEqual({ run_id: child?.id, state: 'completed', output: { s: 15 } });
});

test('a version hash pins the child; a large result comes by reference', async () => {
  const { version_hash } = await product.publish(
    'child-large',
    definition('child-large', { s: transform('${{ input.list }}') }, { output: '${{ steps.s.output }}' }),
  );
  await product.publish('child-large', definition('child-large', { s: transform(0) }));
  const list = Array.from({ length: 9_000 }, (_, n) => n);
  const parent = await outcome(
    'parent-large',
    {
      go: run(version_hash as string, { input: { list: '${{ input.list }}' } }),
      out: transform('${{ size(steps.go.output.output) }}', { needs: ['go'] }),
    },
    { list },
  );
  expect(parent).toMatchObject({ state: 'completed', output: { out: 9_000 } });
  const [step] = (await product.steps(parent.id)).filter(({ node }) => node === 'go');
  expect(step).toMatchObject({ output: null, output_ref: expect.stringMatching(/^sha256:/) as unknown });
});

test('a child that fails fails its step, which may be tried again with a new run', async () => {
  await product.publish('child-fails', definition('child-fails', { x: bash('exit 3') }));
  const parent = await outcome('parent-fails', {
    go: run('child-fails', {}, { retry: { max_attempts: 2, initial_interval_ms: 10 } }),
  });
  expect(parent).toMatchObject({ state: 'failed', error: { code: 'child_failed', step: 'go' } });
  expect((await childrenOf(parent.id)).map(({ state }) => state)).toEqual(['failed', 'failed']);
});

test.each([
  ['an unknown workflow', 'no-such-workflow', {}, 'not_found'],
  ['an input its schema refuses', 'child-strict', { input: { n: 'one' } }, 'input_invalid'],
])('%s is the failure of the step', async (_, workflow, config, code) => {
  const input_schema = { type: 'object', properties: { n: { type: 'integer' } } };
  await product.publish('child-strict', definition('child-strict', { x: transform(1) }, { input_schema }));
  const parent = await outcome(`parent-${code.replace('_', '-')}`, { go: run(workflow, config) });
  expect(parent).toMatchObject({ state: 'failed', error: { code, step: 'go' } });
});

test('a workflow that runs itself ends at the depth limit', async () => {
  await product.publish('ouroboros', definition('ouroboros', { again: run('ouroboros') }));
  const { id } = await product.start('ouroboros');
  const ended = await product.ended(id, 60);
  expect(ended).toMatchObject({ state: 'failed', error: { code: 'child_failed' } });
  expect(ended.error?.message).toContain('nested deeper than 10');
});

test.each([
  ['cancel', 'cancelled', undefined],
  ['terminate', 'terminated', { reason: 'enough' }],
])('%s reaches the runs below', async (command, state, body) => {
  await product.publish('child-waits', definition('child-waits', { w: wait(60), b: bash('sleep 60') }));
  await product.publish('middle', definition('middle', { down: run('child-waits') }));
  const id = await begin(`parent-${command}`, { go: run('middle') });
  const middle = await onlyChild(id);
  const lowest = await onlyChild(middle.id);
  await product.until(lowest.id, (one) => one.state === 'running');
  expect((await product.call('POST', `/runs/${id}/${command}`, body)).status).toBe(202);
  expect(await product.ended(id)).toMatchObject({ state });
  for (const below of [middle, lowest]) expect(await product.run(below.id)).toMatchObject({ state });
});

test('a pause is over the whole tree: the parent stands still only when its children do', async () => {
  await product.publish(
    'child-slow',
    definition('child-slow', {
      a: { type: 'http', config: { url: `${server.url}/held-child/child` } },
      b: wait(1, { needs: ['a'] }),
    }),
  );
  const id = await begin('parent-pause', { go: run('child-slow'), w: wait(1) });
  const child = await onlyChild(id);
  while (!server.asked.has('/held-child/child')) await new Promise((resolve) => setTimeout(resolve, 10));
  await product.call('POST', `/runs/${id}/pause`);
  for (const one of [id, child.id])
    await eventually(async () => (await product.events(one)).some(({ type }) => type === 'run.pausing'));
  server.open('child');
  const parent = await product.until(id, ({ state }) => state === 'paused');
  expect(parent.state).toBe('paused');
  const [pausing] = (await product.events(id)).filter(({ type }) => type === 'run.pausing');
  expect(pausing?.data).toEqual({ in_flight: 1 });
  expect(await product.run(child.id)).toMatchObject({ state: 'paused' });
  expect((await product.steps(child.id)).map(({ node, state }) => `${node} ${state}`)).toEqual([
    'a succeeded',
  ]);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await product.run(id)).toMatchObject({ state: 'paused' });
  await product.call('POST', `/runs/${id}/resume`);
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
  expect(await product.run(child.id)).toMatchObject({ state: 'completed' });
});

test('a resume that overtakes a pause leaves every clock running, in the children too', async () => {
  await product.publish('child-brief', definition('child-brief', { a: wait(1) }));
  const id = await begin('parent-overtaken', {
    go: run('child-brief'),
    slow: { type: 'http', config: { url: `${server.url}/held-overtaken/overtaken` } },
    w: wait(1),
  });
  await onlyChild(id);
  while (!server.asked.has('/held-overtaken/overtaken'))
    await new Promise((resolve) => setTimeout(resolve, 10));
  const pause = await product.call<{ command: { id: string } }>('POST', `/runs/${id}/pause`);
  await product.call('POST', `/runs/${id}/resume`);
  const outcome = await eventually(async () => {
    const { body } = await product.call<{ items: { id: string; state: string }[] }>(
      'GET',
      `/runs/${id}/commands`,
    );
    const { state } = body.items.find((one) => one.id === pause.body.command.id)!;
    return state === 'queued' || state === 'delivered' ? undefined : state;
  });
  expect(outcome).toBe('superseded');
  server.open('overtaken');
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
});

test('a child that outlasts the timeout of its step is cancelled', async () => {
  await product.publish('child-long', definition('child-long', { w: wait(60) }));
  const parent = await outcome('parent-timeout', { go: run('child-long', {}, { timeout_seconds: 4 }) });
  expect(parent).toMatchObject({ state: 'failed', error: { code: 'timeout', step: 'go' } });
  expect((await childrenOf(parent.id))[0]).toMatchObject({ state: 'cancelled' });
});

test('a child that somebody cancels by itself fails the step', async () => {
  const id = await begin('parent-left', { go: run('child-long') });
  const child = await onlyChild(id);
  await product.call('POST', `/runs/${child.id}/cancel`);
  expect(await product.ended(id)).toMatchObject({ state: 'failed', error: { code: 'child_cancelled' } });
});

test('a map of runs begins one for each item, as many at once as it may', async () => {
  await product.publish(
    'child-square',
    definition('child-square', { s: transform('${{ input.n * input.n }}') }),
  );
  const parent = await outcome('parent-map', {
    each: {
      type: 'map',
      config: {
        items: [1, 2, 3, 4],
        node: run('child-square', { input: { n: '${{ item }}' } }),
        max_parallel: 2,
      },
    },
    out: transform('${{ steps.each.output.map(x, x.output.s) }}', { needs: ['each'] }),
  });
  expect(parent).toMatchObject({ state: 'completed', output: { out: [1, 4, 9, 16] } });
  expect((await childrenOf(parent.id)).map(({ parent_item }) => parent_item).sort()).toEqual([0, 1, 2, 3]);
});
