import { definition } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { holding, isAdmitted, isWaiting, letGo, type FlowRun } from './support.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

/** A workflow with one slot, and one whose only step runs it. */
async function family(name: string, more: object = {}) {
  await product.publish(name, holding(name, { concurrency: { limit: 1, ...more } }));
  await product.publish(
    `${name}-parent`,
    definition(`${name}-parent`, { child: { type: 'run', config: { workflow: name } } }),
  );
}

async function childOf(parent: string): Promise<FlowRun> {
  for (let tries = 0; tries < 400; tries++) {
    const { rows } = await product.database.pool.query<{ id: string }>(
      'SELECT id FROM run WHERE parent_run_id = $1',
      [parent],
    );
    if (rows[0]) return (await product.run(rows[0].id)) as FlowRun;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the child was not opened');
}

test('a child waits for its turn as any run does, and its parent for it', async () => {
  await family('kid');
  const holder = await product.start('kid');
  const parent = await product.start('kid-parent');
  const child = await childOf(parent.id);
  expect(isWaiting(child)).toBe(true);
  await letGo(product, holder.id);
  await product.until(child.id, isAdmitted);
  expect((await letGo(product, child.id)).state).toBe('completed');
  expect(await product.ended(parent.id)).toMatchObject({
    state: 'completed',
    output: { child: { run_id: child.id } },
  });
});

test('a child that waits is dropped with its parent, and leaves its place to the next', async () => {
  await family('dropped');
  const holder = await product.start('dropped');
  const parent = await product.start('dropped-parent');
  const child = await childOf(parent.id);
  const next = await product.start('dropped');
  expect((await product.call('POST', `/runs/${parent.id}/cancel`)).status).toBe(202);
  expect((await product.ended(parent.id)).state).toBe('cancelled');
  expect(await product.ended(child.id)).toMatchObject({ state: 'cancelled', admitted_at: null });
  await letGo(product, holder.id);
  await product.until(next.id, isAdmitted);
  await letGo(product, next.id);
});

test('a child that holds a slot gives it back when its parent is terminated', async () => {
  await family('held');
  const parent = await product.start('held-parent');
  const child = await childOf(parent.id);
  await product.until(child.id, (run) => run.state === 'running');
  const next = await product.start('held');
  expect(isWaiting(next)).toBe(true);
  expect((await product.call('POST', `/runs/${parent.id}/terminate`, { reason: 'a test' })).status).toBe(202);
  expect((await product.ended(parent.id)).state).toBe('terminated');
  await product.until(next.id, isAdmitted);
  await letGo(product, next.id);
});

test('a pause of the parent reaches a child that waits, and so does its end', async () => {
  await family('still');
  const holder = await product.start('still');
  const parent = await product.start('still-parent');
  const child = await childOf(parent.id);
  await product.call('POST', `/runs/${parent.id}/pause`);
  await product.until(parent.id, (run) => run.state === 'paused');
  expect((await product.run(child.id)).state).toBe('paused');
  await letGo(product, holder.id);
  expect(isAdmitted(await product.run(child.id))).toBe(false);
  await product.call('POST', `/runs/${parent.id}/resume`);
  await product.until(child.id, isAdmitted);
  expect((await letGo(product, child.id)).state).toBe('completed');
  expect((await product.ended(parent.id)).state).toBe('completed');
});

test('a child that is refused by its limit fails the step that asked for it', async () => {
  await family('refused', { on_limit: 'reject' });
  const holder = await product.start('refused');
  const parent = await product.start('refused-parent');
  expect(await product.ended(parent.id)).toMatchObject({
    state: 'failed',
    error: { code: 'limit_reached', step: 'child' },
  });
  await letGo(product, holder.id);
});
