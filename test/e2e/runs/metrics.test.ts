import { definition, transform, wait } from '../../support/definitions.ts';
import { startFlakyProduct, type FlakyProduct } from '../../support/flaky-product.ts';
import type { FlakyServer } from '../../support/flaky-server.ts';
import type { Product } from '../../support/product.ts';
import type { RunBody } from '../../support/api-client.ts';

interface Metrics {
  items: unknown[];
  next_cursor: string | null;
  figures: {
    queued_ms: number;
    duration_ms: number | null;
    busy_ms: number;
    steps: Record<string, number>;
    attempts: number;
    retries: number;
    reused: number;
    events: number;
    slowest: { node: string; item: number | null; attempt: number; state: string; duration_ms: number }[];
  };
}

let flaky: FlakyProduct;
let product: Product;
let server: FlakyServer;

beforeAll(async () => {
  flaky = await startFlakyProduct();
  ({ product, server } = flaky);
});
afterAll(() => flaky?.stop());

const between = (from: unknown, to: unknown) => Date.parse(String(to)) - Date.parse(String(from));

async function metricsOf(id: string) {
  const { status, body } = await product.call<Metrics>('GET', `/runs/${id}/metrics`);
  expect(status).toBe(200);
  return body;
}

/** Fails twice, then goes on: a list of two, a guard that does not hold, and a wait of 300 ms. */
async function publish(): Promise<void> {
  const ask = (path: string) => ({ type: 'http', config: { url: `${server.url}${path}` } });
  await product.publish(
    'timed',
    definition('timed', {
      shaky: { ...ask('/fail-2'), retry: { max_attempts: 3, initial_interval_ms: 1 } },
      each: {
        type: 'map',
        needs: ['shaky'],
        config: { items: [1, 2], node: { type: 'http', config: { url: `${server.url}/each` } } },
      },
      never: transform(1, { if: '${{ false }}' }),
      rest: wait(0.3, { needs: ['each'] }),
    }),
  );
}

test('a run tells where its time went: by step, by attempt, and what it took over', async () => {
  await publish();
  const run = await product.ended((await product.start('timed', {})).id);
  expect(run.state).toBe('completed');
  const steps = await product.steps(run.id);
  const began = steps.filter(({ started_at }) => started_at !== null);
  const { figures, items, next_cursor } = await metricsOf(run.id);
  expect({ items, next_cursor }).toEqual({ items: [], next_cursor: null });
  expect(figures).toMatchObject({
    steps: { succeeded: 5, skipped: 1 },
    attempts: steps.length,
    retries: 2,
    reused: 0,
    events: (await product.events(run.id)).at(-1)!.seq,
  });
  // Times that are told have lost what is below a millisecond.
  expect(Math.abs(figures.duration_ms! - between(run.started_at, run.ended_at))).toBeLessThanOrEqual(1);
  expect(Math.abs(figures.queued_ms - between(run.created_at, run.started_at))).toBeLessThanOrEqual(1);
  const took = began.map(({ started_at, ended_at }) => between(started_at, ended_at));
  const sum = took.reduce((a, b) => a + b, 0);
  expect(Math.abs(figures.busy_ms - sum)).toBeLessThanOrEqual(began.length);
  expect(figures.slowest).toHaveLength(5);
  const rest = figures.slowest.find(({ node }) => node === 'rest')!;
  expect(rest).toMatchObject({ item: null, attempt: 1, state: 'succeeded' });
  expect(rest.duration_ms).toBeGreaterThanOrEqual(290);
  const durations = figures.slowest.map(({ duration_ms }) => duration_ms);
  expect(durations).toEqual(durations.toSorted((a, b) => b - a));

  const fork = await product.call<RunBody>('POST', `/runs/${run.id}/fork`, { from_step: 'rest' });
  expect(fork.status).toBe(202);
  const second = await product.ended(fork.body.id);
  const again = await metricsOf(second.id);
  expect(again.figures).toMatchObject({
    steps: { succeeded: 3, skipped: 1 },
    reused: 3,
    attempts: 1,
    retries: 0,
  });
  expect(again.figures.slowest[0]!.node).toBe('rest');
});

test('a run that waits has a duration that grows, and one of another project has none', async () => {
  await product.publish('waits', definition('waits', { long: wait(3_600) }));
  const { id } = await product.start('waits', {});
  await product.until(id, ({ state }) => state === 'running');
  const first = (await metricsOf(id)).figures;
  const second = (await metricsOf(id)).figures;
  expect(second.duration_ms!).toBeGreaterThanOrEqual(first.duration_ms!);
  expect(first.queued_ms).toBe(second.queued_ms);
  expect((await product.call('GET', '/runs/00000000-0000-7000-8000-00000000dead/metrics')).status).toBe(404);
  expect((await product.call('POST', `/runs/${id}/cancel`)).status).toBe(202);
  await product.ended(id);
});
