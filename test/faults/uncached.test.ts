import { each, LIMIT_MS, sized } from '../support/faults.ts';
import { contradictions } from '../support/model-check.ts';
import { startProduct, type Product } from '../support/product.ts';
import { testTemporal } from '../support/stack.ts';
import { play } from '../replay/play.ts';
import { SCENARIOS } from '../replay/scenarios.ts';

const EVERY_DAY = [
  'complete',
  'skip_and_guard',
  'retry_then_fail',
  'pause_resume',
  'cancel',
  'terminate',
  'event',
  'approval',
];
const names = Object.keys(SCENARIOS)
  .slice(0, sized({ short: 0, full: 1_000 }))
  .concat(EVERY_DAY);

let products: Record<'cached' | 'uncached', Product>;
beforeAll(async () => {
  products = {
    cached: await startProduct({ code: true }),
    uncached: await startProduct({ code: true, env: { ORCHESTRATOR_WORKER_MAX_CACHED_WORKFLOWS: '0' } }),
  };
}, LIMIT_MS);
afterAll(async () => {
  for (const product of Object.values(products ?? {})) await product.stop();
});

/** How a scenario went, without what differs from run to run. */
async function wentLike(product: Product, name: string) {
  const id = await play(product, name, SCENARIOS[name]!);
  const { state, output, error } = await product.ended(id, 60);
  const steps = (await product.steps(id)).map(
    (step) => `${step.node}#${String(step.item)}@${step.attempt} ${step.state}`,
  );
  return { name, state, output: comparable(output), error, steps: steps.sort() };
}

const comparable = (output: unknown): unknown =>
  JSON.parse(
    JSON.stringify(output, (key, value: unknown) =>
      ['waited_ms', 'at', 'run_id', 'agent_id', 'usage'].includes(key) ? null : value,
    ) ?? 'null',
  );

test(
  'A7 a worker that keeps no workflow in memory replays each of them at every task, with the same results',
  async () => {
    const went = await each([...new Set(names)], 3, async (name) => ({
      cached: await wentLike(products.cached, name),
      uncached: await wentLike(products.uncached, name),
    }));
    expect(went.map(({ uncached }) => uncached)).toEqual(went.map(({ cached }) => cached));
    for (const { uncached } of went) expect(uncached.state).toBe(SCENARIOS[uncached.name]!.ends);
    for (const { database_url } of Object.values(products))
      expect(await contradictions(database_url, testTemporal())).toEqual([]);
  },
  LIMIT_MS,
);
