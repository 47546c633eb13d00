import { Client, Connection } from '@temporalio/client';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { holding, isAdmitted, letGo } from './support.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

async function pair(name: string) {
  await product.publish(name, holding(name, { concurrency: { limit: 1 } }));
  const holder = await product.start(name);
  await product.until(holder.id, (run) => run.state === 'running');
  return { holder: holder.id, waiter: (await product.start(name)).id };
}

test('what a crash left between an end and the next admission is found by the sweep', async () => {
  const { holder, waiter } = await pair('unnoticed');
  // The slot is free, and nobody was told: what is there after a kill right behind the end of a run.
  await product.database.pool.query('UPDATE run SET flow_key = NULL, flow_limit = NULL WHERE id = $1', [
    holder,
  ]);
  await product.until(waiter, isAdmitted);
  await letGo(product, holder);
  await letGo(product, waiter);
});

test('a start that a crash lost between admission and Temporal is finished from the outbox', async () => {
  const { holder, waiter } = await pair('admitted');
  // Admitted and committed, and nobody carried it on.
  await product.database.pool.query(
    `WITH r AS (UPDATE run SET flow_limit = 2, admitted_at = now() WHERE id = $1 RETURNING id)
     INSERT INTO outbox (id, run_id, kind, next_attempt_at) SELECT id, id, 'start', now() FROM r`,
    [waiter],
  );
  await letGo(product, waiter);
  await letGo(product, holder);
});

test('a run that an operator terminates in Temporal makes room once its end is recorded', async () => {
  const { holder, waiter } = await pair('behind-our-back');
  const connection = await Connection.connect({ address: testTemporal() });
  await new Client({ connection }).workflow.getHandle(holder).terminate('by hand');
  await connection.close();
  // The reconciler leaves what is younger than ten seconds alone.
  for (let tries = 0; tries < 60 && (await product.run(holder)).ended_at === null; tries++) {
    await product.call('POST', '/admin/reconcile?wait=10');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(await product.run(holder)).toMatchObject({ state: 'terminated' });
  await product.until(waiter, isAdmitted);
  await letGo(product, waiter);
});
