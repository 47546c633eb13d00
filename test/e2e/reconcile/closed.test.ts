import { definition, transform, wait } from '../../support/definitions.ts';
import { contradictions } from '../../support/model-check.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { age, reconcile, temporalSide, untilStep, type TemporalSide } from './temporal-side.ts';

let product: Product;
let side: TemporalSide;

beforeAll(async () => {
  product = await startProduct();
  side = await temporalSide();
});
afterAll(async () => {
  await side?.close();
  await product?.stop();
});
afterEach(async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});

async function waiting(name: string): Promise<string> {
  await product.publish(
    name,
    definition(name, { a: transform(1), w: wait(600, { needs: ['a'] }), b: transform(2, { needs: ['w'] }) }),
  );
  const { id } = await product.start(name);
  await untilStep(product, id, 'w', 'waiting');
  await age(product);
  return id;
}

const lastOf = async (id: string) => (await product.events(id)).at(-1)!;

it('a run terminated in Temporal is terminated, with the reason given there, within one pass', async () => {
  const id = await waiting('killed');
  await side.client.workflow.getHandle(id).terminate('the disk is full');
  expect(await reconcile(product, true)).toMatchObject({
    repaired: {},
    findings: [{ kind: 'ended_in_temporal', run_id: id, repaired: false }],
  });
  expect((await product.run(id)).state).toBe('running');
  const report = await reconcile(product);
  expect(report).toMatchObject({
    repaired: { ended_in_temporal: 1 },
    findings: [{ run_id: id, repaired: true }],
  });
  expect(await product.run(id)).toMatchObject({ state: 'terminated', reason: 'the disk is full' });
  expect(await lastOf(id)).toMatchObject({ type: 'run.terminated', data: { projected: true } });
  expect((await product.steps(id)).map(({ node, state }) => [node, state])).toEqual([
    ['a', 'succeeded'],
    ['w', 'cancelled'],
  ]);
  const snapshot = await product.call<{ snapshot: { outcome: object } }>('GET', `/runs/${id}/snapshot`);
  expect(snapshot.body.snapshot.outcome).toMatchObject({ state: 'terminated' });
  const { rows } = await product.database.pool.query<{ actor: string }>(
    `SELECT actor FROM run_state_transition WHERE run_id = $1 ORDER BY event_seq DESC LIMIT 1`,
    [id],
  );
  expect(rows).toEqual([{ actor: 'temporal' }]);
  expect(await reconcile(product)).toMatchObject({ repaired: {}, findings: [] });
});

it('commands that a terminated run will not answer any more are answered for it', async () => {
  const id = await waiting('unanswered');
  await product.database.pool.query(
    `INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, delivered_at)
     VALUES ($1, 'late', 'event', '{}', '', 'delivered', 'test', now())`,
    [id],
  );
  await side.client.workflow.getHandle(id).terminate();
  expect((await reconcile(product)).repaired).toEqual({ ended_in_temporal: 1 });
  const { body } = await product.call<{ items: object[] }>('GET', `/runs/${id}/commands`);
  expect(body.items).toMatchObject([{ id: 'late', state: 'rejected' }]);
});

it('a cancel in Temporal is the workflow’s own to record; the pass finds nothing wrong', async () => {
  const id = await waiting('cancelled');
  await side.client.workflow.getHandle(id).cancel();
  expect(await product.ended(id)).toMatchObject({ state: 'cancelled', reason: 'Cancelled in Temporal.' });
  expect(await reconcile(product)).toMatchObject({ repaired: {}, findings: [] });
});

it('a live run whose row is looked at while it ends is left to its workflow', async () => {
  const ids = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const name = `live-${n}`;
      await product.publish(name, definition(name, { w: wait(0.2 + n * 0.05) }));
      return (await product.start(name)).id;
    }),
  );
  const reports = [];
  for (let pass = 0; pass < 8; pass++) {
    await age(product);
    reports.push(await reconcile(product));
  }
  for (const id of ids) expect((await product.ended(id)).state).toBe('completed');
  expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
});
