import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { holding, isAdmitted, letGo, type FlowRun } from './support.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

const STARTS = 20;

async function policy(name: string, on_conflict?: string) {
  const start_policy = { id: 'order-${{ input.order }}', ...(on_conflict && { on_conflict }) };
  await product.publish(name, holding(name, { start_policy }));
  return (order = 7) =>
    product.call<FlowRun & { code: string; run_id: string }>('POST', '/runs', {
      workflow: name,
      input: { order },
    });
}

const atOnce = <T>(start: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: STARTS }, start));

async function runsOf(name: string): Promise<FlowRun[]> {
  return (await product.call<{ items: FlowRun[] }>('GET', `/runs?workflow=${name}&limit=100`)).body.items;
}

test('fail: of twenty starts with one id one is accepted, and the others are told which', async () => {
  const start = await policy('start-fail');
  const answers = await atOnce(start);
  const accepted = answers.filter(({ status }) => status === 202);
  const refused = answers.filter(({ status }) => status === 409);
  expect([accepted.length, refused.length]).toEqual([1, STARTS - 1]);
  const id = accepted[0]!.body.id;
  expect(new Set(refused.map(({ body }) => `${body.code} ${body.run_id}`))).toEqual(
    new Set([`run_exists ${id}`]),
  );
  expect(await runsOf('start-fail')).toHaveLength(1);
  const other = await start(8);
  expect(other.body).toMatchObject({ start_id: 'order-8' });
  expect(other.status).toBe(202);
  await letGo(product, id);
  const again = await start();
  expect(again.status).toBe(202);
  await letGo(product, again.body.id);
  await letGo(product, other.body.id);
});

test('use_existing: of twenty starts with one id one opens a run, and all answer with it', async () => {
  const start = await policy('start-use', 'use_existing');
  const answers = await atOnce(start);
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(STARTS - 1).fill(200), 202]);
  const ids = new Set(answers.map(({ body }) => body.id));
  expect(ids.size).toBe(1);
  expect(await runsOf('start-use')).toHaveLength(1);
  const [id] = ids;
  await letGo(product, id!);
  const next = await start();
  expect(next.status).toBe(202);
  expect(next.body.id).not.toBe(id);
  await letGo(product, next.body.id);
});

test('terminate_existing: twenty starts with one id leave the newest one, and never two of them go at once', async () => {
  const start = await policy('start-restart', 'terminate_existing');
  const answers = await atOnce(start);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  const ids = answers.map(({ body }) => body.id);
  const last = await product.call<{ id: string }>('POST', '/runs', {
    workflow: 'start-restart',
    input: { order: 7 },
  });
  await product.until(last.body.id, isAdmitted);
  for (const id of ids) {
    const run = (await product.ended(id)) as FlowRun;
    expect(run.state).toBe('terminated');
    expect(run.reason).toMatch(/^Replaced by the run /);
  }
  const { rows } = await product.database.pool.query(
    `SELECT 1 FROM run a JOIN run b ON b.start_id = a.start_id AND b.workflow = a.workflow AND b.id <> a.id
     WHERE a.workflow = 'start-restart' AND b.admitted_at > a.admitted_at AND b.admitted_at < coalesce(a.ended_at, 'infinity')`,
  );
  expect(rows).toEqual([]);
  expect((await letGo(product, last.body.id)).state).toBe('completed');
});

test('a start id is the workflow’s own', async () => {
  const one = await policy('start-one');
  const two = await policy('start-two');
  const answers = [await one(), await two()];
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  for (const { body } of answers) await letGo(product, body.id);
});

test('an id that cannot be had from the input is refused, with every problem', async () => {
  const name = 'start-wrong';
  const start_policy = { id: '${{ input.order }}' };
  const concurrency = { limit: 1, key: '${{ input.text }}' };
  await product.publish(name, holding(name, { start_policy, concurrency }));
  const start = (input: object) =>
    product.call<{ code: string; errors: { message: string }[] }>('POST', '/runs', { workflow: name, input });
  const missing = await start({});
  expect(missing.status).toBe(422);
  expect(missing.body.code).toBe('expression_error');
  expect(missing.body.errors.map(({ message }) => message.split(':')[0])).toEqual([
    'concurrency.key',
    'start_policy.id',
  ]);
  for (const text of ['', 'x'.repeat(501)]) {
    const { status, body } = await start({ order: 1, text });
    expect([status, body.code]).toEqual([422, 'expression_error']);
  }
  expect(await runsOf(name)).toEqual([]);
});
