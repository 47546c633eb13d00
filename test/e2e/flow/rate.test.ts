import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { isAdmitted, isWaiting, typesOf, type FlowRun } from './support.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

const limited = (name: string, more: object) =>
  definition(name, { a: transform('${{ input.n }}') }, { rate_limit: { per_second: 10 }, ...more });

/** Microseconds between one start's beat and the next, and how late each start was. */
async function beats(key: string): Promise<{ gaps: number[]; late: number[] }> {
  const { rows } = await product.database.pool.query<{ gap: number | null; late: number }>(
    `SELECT (extract(epoch FROM rate_slot - lag(rate_slot) OVER (ORDER BY rate_slot)) * 1000000)::float8 AS gap,
       (extract(epoch FROM admitted_at - rate_slot) * 1000000)::float8 AS late
     FROM run WHERE rate_key = $1 AND rate_slot IS NOT NULL ORDER BY rate_slot`,
    [key],
  );
  return { gaps: rows.slice(1).map(({ gap }) => gap ?? 0), late: rows.map(({ late }) => late) };
}

test('starts beyond the rate are delayed, not refused: each stands for a beat of its own, and none comes before it', async () => {
  await product.publish('paced', limited('paced', {}));
  const ids = (await Promise.all(Array.from({ length: 15 }, (_, n) => product.start('paced', { n })))).map(
    ({ id }) => id,
  );
  const ends = await Promise.all(ids.map((id) => product.ended(id)));
  expect(ends.map(({ state, output }) => [state, output])).toEqual(
    ids.map((_, n) => ['completed', { a: n }]),
  );
  const { gaps, late } = await beats('paced');
  expect(gaps).toHaveLength(14);
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(100_000);
  for (const one of late) expect(one).toBeGreaterThanOrEqual(0);
});

test('a run that waits for its beat says so, can be cancelled, and the beat goes to the next by priority', async () => {
  await product.publish(
    'slow',
    limited('slow', { rate_limit: { key: 'slow-${{ params.p }}', per_second: 0.125 }, params: { p: 1 } }),
  );
  const first = (await product.start('slow', { n: 1 })) as FlowRun;
  const [late, next, dropped] = [5, 1, 1].map((priority) => product.start('slow', { n: 1 }, { priority }));
  expect(isWaiting(first)).toBe(false);
  const waiting = (await next) as FlowRun;
  expect(waiting).toMatchObject({ waiting_for: { rate_limit: { key: 'slow-1', per_second: 0.125 } } });
  expect(await typesOf(product, waiting.id)).toContain('run.waiting');
  const { id } = (await dropped) as FlowRun;
  expect((await product.call('POST', `/runs/${id}/cancel`)).status).toBe(202);
  expect((await product.ended(id)).state).toBe('cancelled');
  await product.until(waiting.id, isAdmitted);
  expect(isWaiting(await product.run((await late!).id))).toBe(true);
  expect((await product.ended((await late!).id)).state).toBe('completed');
  for (const gap of (await beats('slow-1')).gaps) expect(gap).toBeGreaterThanOrEqual(8_000_000);
});

test('a rate and a limit together: both hold', async () => {
  const more = { concurrency: { key: 'both', limit: 1 }, rate_limit: { key: 'both', per_second: 20 } };
  await product.publish('both', limited('both', more));
  const ids = (await Promise.all(Array.from({ length: 10 }, (_, n) => product.start('both', { n })))).map(
    ({ id }) => id,
  );
  for (const id of ids) expect((await product.ended(id)).state).toBe('completed');
  for (const gap of (await beats('both')).gaps) expect(gap).toBeGreaterThanOrEqual(50_000);
});

test('the smallest rate there is makes a run wait for ever, and nothing break', async () => {
  await product.publish('never', limited('never', { rate_limit: { per_second: Number.MIN_VALUE } }));
  const first = await product.start('never', { n: 1 });
  const second = (await product.start('never', { n: 1 })) as FlowRun;
  expect((await product.ended(first.id)).state).toBe('completed');
  expect(isWaiting(second)).toBe(true);
  await product.call('POST', `/runs/${second.id}/terminate`, { reason: 'enough' });
  expect((await product.ended(second.id)).state).toBe('terminated');
});
