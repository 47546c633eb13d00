import type { JsonObject } from '../../../src/contract/json.ts';
import { bash, definition, transform, wait } from '../../support/definitions.ts';
import { startFlakyProduct, type FlakyProduct } from '../../support/flaky-product.ts';
import type { FlakyServer } from '../../support/flaky-server.ts';
import type { Product } from '../../support/product.ts';

let flaky: FlakyProduct;
let product: Product;
let server: FlakyServer;

beforeAll(async () => {
  flaky = await startFlakyProduct({ code: true });
  ({ product, server } = flaky);
});
afterAll(() => flaky?.stop());

const get = (path: string, more: JsonObject = {}): JsonObject => ({
  type: 'http',
  config: { url: `${server.url}${path}` },
  ...more,
});

async function begin(name: string, nodes: Record<string, JsonObject>) {
  await product.publish(name, definition(name, nodes));
  return (await product.start(name)).id;
}

/** What was undone, in order. */
async function undone(id: string): Promise<string[]> {
  return (await product.events(id))
    .filter(({ type, data }) => type.startsWith('step.') && (data.node as string).endsWith('.compensate'))
    .filter(({ type }) => ['step.succeeded', 'step.failed', 'step.cancelled'].includes(type))
    .map(({ type, data }) => `${data.node as string} ${type.slice('step.'.length)}`);
}

test('after a failure what succeeded is undone, newest first, and sees what it undoes', async () => {
  const id = await begin('undo-order', {
    a: transform({ id: 'A' }, { compensate: transform('${{ "undo " + steps.a.output.id }}') }),
    b: get('/b', { needs: ['a'], compensate: get('/undo${{ steps.b.output.body.path }}') }),
    skipped: transform(1, { if: '${{ 1 > 2 }}', compensate: transform(1) }),
    c: bash('exit 1', { needs: ['b'], compensate: transform('never') }),
  });
  expect(await product.ended(id)).toMatchObject({ state: 'failed', error: { step: 'c' } });
  expect(await undone(id)).toEqual(['b.compensate succeeded', 'a.compensate succeeded']);
  expect(server.asked.get('/undo/b')).toBe(1);
  const step = (await product.steps(id)).find(({ node }) => node === 'a.compensate');
  expect(step).toMatchObject({ state: 'succeeded', output: 'undo A' });
  const types = (await product.events(id)).map(({ type }) => type);
  expect(types.indexOf('run.compensating')).toBeLessThan(types.indexOf('run.failed'));
  expect(types.at(-1)).toBe('run.failed');
});

test('a cancelled run undoes what succeeded; a terminated one does not', async () => {
  const nodes = (tag: string) => ({
    a: get(`/done-${tag}`, { compensate: get(`/undone-${tag}`) }),
    w: wait(60, { needs: ['a'] }),
  });
  for (const [command, state, times] of [
    ['cancel', 'cancelled', 1],
    ['terminate', 'terminated', undefined],
  ] as const) {
    const id = await begin(`undo-${command}`, nodes(command));
    while (!(await product.steps(id)).some(({ node, state }) => node === 'w' && state === 'waiting'))
      await new Promise((resolve) => setTimeout(resolve, 25));
    await product.call('POST', `/runs/${id}/${command}`, { reason: 'because' });
    expect(await product.ended(id)).toMatchObject({ state });
    expect(server.asked.get(`/undone-${command}`)).toBe(times);
  }
});

test('what fails at undoing is tried as its own policy says, and the others still get their turn', async () => {
  const retry = { max_attempts: 3, initial_interval_ms: 10, backoff: 1 };
  const id = await begin('undo-fails', {
    a: transform(1, { compensate: get('/undo-a') }),
    b: transform(1, { needs: ['a'], compensate: get('/undo-b/fail-9', { retry }) }),
    c: transform(1, { needs: ['b'], compensate: get('/undo-c/fail-1', { retry }) }),
    d: bash('exit 1', { needs: ['c'] }),
  });
  expect(await product.ended(id)).toMatchObject({ state: 'failed', error: { step: 'd' } });
  expect(server.asked.get('/undo-c/fail-1')).toBe(2);
  expect(server.asked.get('/undo-b/fail-9')).toBe(3);
  expect(server.asked.get('/undo-a')).toBe(1);
});

test('a terminate in the middle of undoing ends the run at once', async () => {
  const id = await begin('undo-terminated', {
    a: transform(1, { compensate: get('/never-undone') }),
    b: transform(1, { needs: ['a'], compensate: wait(60) }),
    c: bash('exit 1', { needs: ['b'] }),
  });
  while (!(await product.steps(id)).some(({ node, state }) => node === 'b.compensate' && state === 'waiting'))
    await new Promise((resolve) => setTimeout(resolve, 25));
  expect((await product.call('POST', `/runs/${id}/terminate`, { reason: 'enough' })).status).toBe(202);
  expect(await product.ended(id)).toMatchObject({ state: 'terminated' });
  expect(server.asked.has('/never-undone')).toBe(false);
});

test('a run that succeeds undoes nothing', async () => {
  const id = await begin('undo-nothing', { a: transform(1, { compensate: get('/undo-nothing') }) });
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
  expect(server.asked.has('/undo-nothing')).toBe(false);
});
