import type { JsonObject } from '../../../src/contract/json.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startFlakyProduct, type FlakyProduct } from '../../support/flaky-product.ts';
import type { FlakyServer } from '../../support/flaky-server.ts';
import type { Product } from '../../support/product.ts';

let flaky: FlakyProduct;
let product: Product;
let server: FlakyServer;

beforeAll(async () => {
  flaky = await startFlakyProduct({
    env: {
      ORCHESTRATOR_RUNS_CONTINUE_AS_NEW_AFTER_EVENTS: '100',
    },
  });
  ({ product, server } = flaky);
});
afterAll(() => flaky?.stop());

const go: JsonObject = { type: 'wait', config: { event: 'go' } };

async function begin(name: string, nodes: Record<string, JsonObject>, more: JsonObject = {}) {
  await product.publish(name, definition(name, nodes, more));
  const { id } = await product.start(name);
  while (!(await product.steps(id)).some(({ state }) => state === 'waiting'))
    await new Promise((resolve) => setTimeout(resolve, 25));
  return id;
}

interface Command extends Record<string, unknown> {
  id: string;
  type: string;
  state: string;
  applied: unknown;
}
const tune = (id: string, body: unknown) =>
  product.call<{ command: Command; errors?: { path: string }[]; code?: string }>(
    'POST',
    `/runs/${id}/tune`,
    body,
  );
const commands = async (id: string) =>
  (await product.call<{ items: Command[] }>('GET', `/runs/${id}/commands`)).body.items;
const applied = async (id: string) => {
  while ((await commands(id)).some(({ state }) => state === 'queued' || state === 'delivered'))
    await new Promise((resolve) => setTimeout(resolve, 25));
};

const bounded = {
  params: { speed: 1, name: 'x' },
  params_schema: { type: 'object', properties: { speed: { type: 'number', maximum: 10 } } },
};

test('tuned params are what later steps see, light and heavy, and the run shows them', async () => {
  const id = await begin(
    'tune-params',
    {
      go,
      light: transform('${{ params }}', { needs: ['go'] }),
      heavy: { type: 'http', needs: ['go'], config: { url: `${server.url}/\${{ params.speed }}` } },
    },
    bounded,
  );
  expect(await tune(id, { params: { speed: 5 } })).toMatchObject({
    status: 202,
    body: { command: { type: 'tune' } },
  });
  await applied(id);
  expect(await product.run(id)).toMatchObject({ params: { speed: 5, name: 'x' } });
  await product.call('POST', `/runs/${id}/events/go`);
  const run = await product.ended(id);
  expect(run).toMatchObject({
    state: 'completed',
    output: { light: { speed: 5, name: 'x' }, heavy: { body: { path: '/5' } } },
  });
  expect(await commands(id)).toContainEqual(
    expect.objectContaining({
      type: 'tune',
      state: 'acknowledged',
      applied: { params: { speed: 5, name: 'x' }, nodes: {} },
    }),
  );
});

test('tuning survives a run that continues as new', async () => {
  const rest = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [
      `w${n}`,
      { type: 'wait', needs: [n === 0 ? 'go' : `w${n - 1}`], config: { duration_seconds: 0.02 } },
    ]),
  );
  const id = await begin(
    'tune-long',
    { go, ...rest, last: transform('${{ params.speed }}', { needs: ['w19'] }) },
    bounded,
  );
  await tune(id, { params: { speed: 7 } });
  await product.call('POST', `/runs/${id}/events/go`);
  expect(await product.ended(id, 60)).toMatchObject({ state: 'completed', output: { last: 7 } });
});

test('options of a step are those of its next attempts', async () => {
  const id = await begin('tune-retry', {
    go,
    flaky: { type: 'http', needs: ['go'], config: { url: `${server.url}/tuned/fail-2` } },
    each: {
      type: 'map',
      needs: ['go'],
      config: { items: [0], node: { type: 'http', config: { url: `${server.url}/tuned-map/fail-1` } } },
    },
  });
  const retry = { max_attempts: 3, initial_interval_ms: 10 };
  expect((await tune(id, { nodes: { flaky: { retry }, each: { retry, max_parallel: 1 } } })).status).toBe(
    202,
  );
  await product.call('POST', `/runs/${id}/events/go`);
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
  expect(server.asked.get('/tuned/fail-2')).toBe(3);
});

test('what is out of bounds, unknown or empty is refused with every problem', async () => {
  const id = await begin('tune-refused', { go }, bounded);
  expect(await tune(id, { params: { speed: 11 }, nodes: { nope: {} } })).toMatchObject({
    status: 422,
    body: { errors: [{ path: '/params/speed' }, { path: '/nodes/nope' }] },
  });
  expect((await tune(id, {})).status).toBe(422);
  expect((await tune(id, { params: { speed: 2 }, other: 1 })).status).toBe(400);
  await product.call('POST', `/runs/${id}/events/go`);
  await product.ended(id);
  expect(await tune(id, { params: { speed: 2 } })).toMatchObject({
    status: 409,
    body: { code: 'run_final' },
  });
});

test('ten tunes at once are each applied once, in one order', async () => {
  const id = await begin('tune-race', { go, out: transform('${{ params }}', { needs: ['go'] }) });
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => tune(id, { id: `t${n % 5}`, params: { [`p${n % 5}`]: n % 5 } })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([
    200, 200, 200, 200, 200, 202, 202, 202, 202, 202,
  ]);
  await product.call('POST', `/runs/${id}/events/go`);
  const run = await product.ended(id);
  expect(run.output).toEqual({ out: { p0: 0, p1: 1, p2: 2, p3: 3, p4: 4 } });
});
