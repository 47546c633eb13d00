import type { JsonObject } from '../../../src/contract/json.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { randomFrom } from '../../support/random.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

interface Task extends JsonObject {
  id: string;
  run_id: string;
  lease_token: string;
  task_ref: string;
  state: string;
}

const agent = (
  capability: string,
  task: unknown,
  config: JsonObject = {},
  more: JsonObject = {},
): JsonObject => ({
  type: 'agent',
  config: { capability, task: task as JsonObject, ...config },
  ...more,
});
const next = (capability: string, wait = 0, agent_id = 'a') =>
  product.call<Task>('POST', '/agent-tasks/next', {
    capabilities: ['unrelated', capability],
    agent_id,
    wait,
  });
const complete = (task: Task, result: JsonObject) =>
  product.call<Task & { code: string }>('POST', `/agent-tasks/${task.id}/complete`, {
    lease_token: task.lease_token,
    ...result,
  });
const beat = (task: Task) =>
  product.call<Task & { code: string }>('POST', `/agent-tasks/${task.id}/heartbeat`, {
    lease_token: task.lease_token,
  });
const endLease = (task: Task) =>
  product.database.pool.query(
    `UPDATE agent_task SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = $1`,
    [task.id],
  );

async function begin(name: string, nodes: Record<string, JsonObject>, input: unknown = {}, more = {}) {
  await product.publish(name, definition(name, nodes));
  return (await product.start(name, input, more)).id;
}

test('an agent that waits gets the task of a step, and its result is the output of the step', async () => {
  const waiting = next('summarise', 30);
  const id = await begin(
    'one',
    {
      ask: agent('summarise', { text: '${{ input.text }}', max: 3 }),
      use: transform('${{ steps.ask.output.summary }}', { needs: ['ask'] }),
    },
    { text: 'long' },
  );
  const task = (await waiting).body;
  expect(task).toMatchObject({
    run_id: id,
    node: 'ask',
    item: null,
    attempt: 1,
    capability: 'summarise',
    task: { text: 'long', max: 3 },
    claimed_by: 'a',
    state: 'claimed',
    deliveries: 1,
  });
  expect((await product.events(id)).find(({ type }) => type === 'step.waiting')?.data).toMatchObject({
    node: 'ask',
    task_id: task.id,
    capability: 'summarise',
  });
  expect((await beat(task)).status).toBe(200);
  const done = await complete(task, { output: { summary: 'short' } });
  expect([done.status, done.body]).toMatchObject([200, { state: 'done' }]);
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { use: 'short' } });
  expect((await product.steps(id))[0]).toMatchObject({ node: 'ask', state: 'succeeded', agent_id: 'a' });
});

test('a result counts once: the same again is answered alike, any other is refused', async () => {
  const id = await begin('twice', { ask: agent('twice', 1) });
  const task = (await next('twice', 10)).body;
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => complete(task, { output: n % 2 })));
  const won = answers.filter(({ status }) => status === 200);
  const lost = answers.filter(({ status }) => status !== 200);
  expect([won.length, lost.length]).toEqual([5, 5]);
  for (const { status, body } of lost) expect([status, body]).toMatchObject([409, { code: 'lease_lost' }]);
  const run = await product.ended(id);
  expect(run.state).toBe('completed');
  const output = (run.output as { ask: number }).ask;
  expect((await complete(task, { output })).status).toBe(200);
  expect((await complete(task, { output: 1 - output })).status).toBe(409);
  const commands = await product.call<{ items: { type: string; state: string }[] }>(
    'GET',
    `/runs/${id}/commands`,
  );
  expect(commands.body.items).toMatchObject([{ type: 'complete', state: 'acknowledged' }]);
});

test('an error fails the step, and is tried again under its retry', async () => {
  const id = await begin('fails', {
    ask: agent('fails', 1, {}, { retry: { max_attempts: 2, initial_interval_ms: 1 } }),
  });
  for (const attempt of [1, 2]) {
    const task = (await next('fails', 10)).body;
    expect(task.attempt).toBe(attempt);
    await complete(task, { error: { code: 'confused', message: `attempt ${attempt}` } });
  }
  expect(await product.ended(id)).toMatchObject({
    state: 'failed',
    error: { code: 'confused', message: 'attempt 2', step: 'ask' },
  });
});

test('a task and a result that are large travel by reference', async () => {
  const id = await begin(
    'large',
    {
      ask: agent('large', '${{ input }}'),
      size: transform('${{ size(steps.ask.output) }}', { needs: ['ask'] }),
    },
    'y'.repeat(50_000),
  );
  const task = (await next('large', 10)).body;
  expect(task.task).toBeNull();
  expect((await product.call('GET', `/blobs/${task.task_ref}`)).body).toBe('y'.repeat(50_000));
  await complete(task, { output: 'x'.repeat(100_000) });
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { size: 100_000 } });
});

test('a lease that ends offers the task again, and the first agent is told to stop', async () => {
  const id = await begin('lost', { ask: agent('lost', 1) });
  const first = (await next('lost', 10, 'first')).body;
  expect((await next('lost')).status).toBe(204);
  await endLease(first);
  // Nobody has taken it yet, so it is still his to keep.
  expect((await beat(first)).status).toBe(200);
  await endLease(first);
  const second = (await next('lost', 10, 'second')).body;
  expect(second).toMatchObject({ id: first.id, deliveries: 2, claimed_by: 'second' });
  expect(await beat(first)).toMatchObject({ status: 409, body: { code: 'lease_lost' } });
  expect(await complete(first, { output: 'late' })).toMatchObject({
    status: 409,
    body: { code: 'lease_lost' },
  });
  expect((await complete(second, { output: 'in time' })).status).toBe(200);
  expect(await product.ended(id)).toMatchObject({ output: { ask: 'in time' } });
});

test('a task that is not waited for any more is called off', async () => {
  const late = await begin('late', { ask: agent('late', 1, { timeout_seconds: 4 }) });
  const task = (await next('late', 10)).body;
  expect(await product.ended(late)).toMatchObject({ state: 'failed', error: { code: 'timeout' } });
  expect((await beat(task)).status).toBe(409);
  const id = await begin('stopped', { ask: agent('stopped', 1) });
  const other = (await next('stopped', 10)).body;
  await product.call('POST', `/runs/${id}/terminate`, { reason: 'not needed' });
  await product.ended(id);
  expect(await complete(other, { output: 1 })).toMatchObject({ status: 409 });
  const { body } = await product.call<{ items: Task[] }>('GET', '/agent-tasks?state=cancelled');
  expect(body.items.map((one) => one.id).sort()).toEqual([task.id, other.id].sort());
});

test('a paused run offers nothing; what is under way may be completed', async () => {
  const id = await begin('held', { a: agent('held', 1), b: agent('held', 2) });
  const first = (await next('held', 10)).body;
  await product.call('POST', `/runs/${id}/pause`);
  await product.until(id, (run) => run.state === 'paused');
  expect((await next('held')).status).toBe(204);
  expect((await complete(first, { output: 'done' })).status).toBe(200);
  await product.call('POST', `/runs/${id}/resume`);
  const second = (await next('held', 30)).body;
  await complete(second, { output: 'too' });
  expect((await product.ended(id)).state).toBe('completed');
});

test('tasks go by the priority of their runs, then by age', async () => {
  const ids: string[] = [];
  for (const [n, priority] of [3, 5, 1, 3].entries())
    ids.push(await begin(`urgent${n}`, { ask: agent('urgent', n) }, {}, { priority }));
  for (const id of ids) await product.until(id, (run) => run.current_step === 'ask');
  const order: unknown[] = [];
  for (let n = 0; n < 4; n++) {
    const task = (await next('urgent')).body;
    order.push(task.task);
    await complete(task, { output: 1 });
  }
  expect(order).toEqual([2, 0, 3, 1]);
  for (const id of ids) await product.ended(id);
});

test('what cannot be evaluated is the failure of the step', async () => {
  const id = await begin('wrong', { ask: agent('${{ input.nothing }}', 1) });
  expect(await product.ended(id)).toMatchObject({
    state: 'failed',
    error: { code: 'expression_error', step: 'ask' },
  });
});

test.each<[string, string, JsonObject, number]>([
  ['no capability', '/agent-tasks/next', { capabilities: [] }, 422],
  ['an unknown field', '/agent-tasks/next', { capabilities: ['x'], other: 1 }, 400],
  [
    'an unknown task',
    '/agent-tasks/01900000-0000-7000-8000-000000000000/heartbeat',
    { lease_token: '01900000-0000-7000-8000-000000000000' },
    404,
  ],
  [
    'neither output nor error',
    '/agent-tasks/01900000-0000-7000-8000-000000000000/complete',
    { lease_token: '01900000-0000-7000-8000-000000000000' },
    422,
  ],
])('%s is refused', async (_, path, body, status) => {
  expect((await product.call('POST', path, body)).status).toBe(status);
});

test('eight agents that die at random do every task once', async () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  process.stderr.write(`agents: TEST_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const nodes: Record<string, JsonObject> = {};
  for (let n = 0; n < 24; n++) nodes[`t${n}`] = agent('crowd', n);
  const id = await begin('crowd', nodes);
  const done = new Map<number, number>();
  let open = 24;
  const worker = async (name: string) => {
    while (open > 0) {
      const { status, body: task } = await next('crowd', 0, name);
      if (status !== 200) {
        await new Promise((resolve) => setTimeout(resolve, 10 + random.below(20)));
        continue;
      }
      const fate = random.below(10);
      // Dies with the task, or goes on with it although its lease has ended.
      if (fate < 4) await endLease(task);
      if (fate < 2) continue;
      const answer = await complete(task, { output: { n: task.task!, by: name } });
      expect([200, 409]).toContain(answer.status);
      if (answer.status !== 200) continue;
      const n = task.task as number;
      done.set(n, (done.get(n) ?? 0) + 1);
      open -= 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, n) => worker(`agent${n}`)));
  expect([...done.values()]).toEqual(Array<number>(24).fill(1));
  const run = await product.ended(id);
  expect(run.state).toBe('completed');
  const outputs = Object.values(run.output as Record<string, { n: number }>).map(({ n }) => n);
  expect(outputs.sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, n) => n));
});
