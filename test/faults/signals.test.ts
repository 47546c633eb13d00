import type { JsonObject } from '../../src/contract/json.ts';
import { definition } from '../support/definitions.ts';
import { countOf, historiesOf, withTemporal } from '../support/executions.ts';
import { each, LIMIT_MS, numbers, sized } from '../support/faults.ts';
import { contradictions } from '../support/model-check.ts';
import { startProduct, type Product } from '../support/product.ts';
import { testTemporal } from '../support/stack.ts';

const SENDERS = 4;
const EVENTS = sized({ short: 300, full: 20_000 }) / SENDERS;
const HISTORY_LIMIT = sized({ short: 500, full: 2_000 });

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    env: { ORCHESTRATOR_RUNS_CONTINUE_AS_NEW_AFTER_EVENTS: String(HISTORY_LIMIT) },
  });
});
afterAll(() => product.stop());

/** For each sender a map that takes its events one by one: item n gets the nth that came. */
function takers(): Record<string, JsonObject> {
  const items = `\${{ input.list }}`;
  const take = (sender: number): JsonObject => ({
    type: 'map',
    config: { items, max_parallel: 1, node: { type: 'wait', config: { event: `from-${sender}` } } },
  });
  return Object.fromEntries(numbers(SENDERS).map((sender) => [`taker${sender}`, take(sender)]));
}

test(
  `A9 ${SENDERS * EVENTS} signals to one run: it continues as new in time, none is lost, and each sender's come in order`,
  async () => {
    await product.publish('flooded', definition('flooded', takers()));
    const { id } = await product.start('flooded', { list: numbers(EVENTS) });
    await each(numbers(SENDERS), SENDERS, async (sender) => {
      for (let n = 0; n < EVENTS; n++) {
        const { status } = await product.call('POST', `/runs/${id}/events/from-${sender}`, { n });
        expect(status).toBe(202);
      }
    });
    await product.until(id, ({ ended_at }) => ended_at !== null, LIMIT_MS / 1_000);
    const { rows } = await product.database.pool.query<{ node: string; taken: number[] }>(
      `SELECT node, json_agg((output->'payload'->>'n')::int ORDER BY item) AS taken FROM step
       WHERE run_id = $1 AND item >= 0 GROUP BY node`,
      [id],
    );
    expect(rows.map(({ node }) => node).sort()).toEqual(Object.keys(takers()));
    for (const { taken } of rows) expect(taken).toEqual(numbers(EVENTS));
    expect((await product.run(id)).state).toBe('completed');
    await withTemporal(testTemporal(), async (client) => {
      const histories = await historiesOf(client, id);
      expect(histories.length).toBeGreaterThan(1);
      for (const events of histories) {
        expect(countOf(events, 'workflowExecutionSignaledEventAttributes')).toBeLessThanOrEqual(5_000);
        expect(events.length).toBeLessThan(10_240);
      }
    });
    expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
  },
  LIMIT_MS,
);
