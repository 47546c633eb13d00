import type { JsonObject } from '../../../src/contract/json.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

interface Task {
  id: string;
  run_id: string;
  task: unknown;
  attempt: number;
  item: number | null;
  lease_token: string;
}

const agent = (capability: string, config: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  type: 'agent',
  config: { capability, task: null, ...config },
  ...more,
});

async function begin(name: string, nodes: Record<string, JsonObject>, input: unknown = {}) {
  await product.publish(name, definition(name, nodes));
  return (await product.start(name, input)).id;
}

/** Takes the next task, as an agent with this one capability would. */
async function next(capability: string): Promise<Task> {
  const { status, body } = await product.call<Task & JsonObject>('POST', '/agent-tasks/next', {
    capabilities: [capability],
    wait: 20,
  });
  expect(status).toBe(200);
  return body;
}
const complete = (task: Task, result: JsonObject) =>
  product.call('POST', `/agent-tasks/${task.id}/complete`, { lease_token: task.lease_token, ...result });
const heartbeat = (task: Task) =>
  product.call('POST', `/agent-tasks/${task.id}/heartbeat`, { lease_token: task.lease_token });

test('an agent gets the task as it was evaluated, and its result is the output of the step', async () => {
  const id = await begin(
    'agent-plain',
    {
      a: transform('${{ input.n + 1 }}'),
      ask: agent('adding', { task: { n: '${{ steps.a.output }}' } }, { needs: ['a'] }),
      out: transform('${{ steps.ask.output.sum }}', { needs: ['ask'] }),
    },
    { n: 1 },
  );
  const task = await next('adding');
  expect(task).toMatchObject({ run_id: id, task: { n: 2 }, attempt: 1, item: null });
  const [step] = (await product.steps(id)).filter(({ node }) => node === 'ask');
  expect(step?.state).toBe('waiting');
  expect((await complete(task, { output: { sum: 7 } })).status).toBe(200);
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { out: 7 } });
});

test('tasks and results that are too large for the workflow come and go by reference', async () => {
  const list = Array.from({ length: 9_000 }, (_, n) => n);
  const id = await begin(
    'agent-large',
    {
      ask: agent('large', { task: '${{ input.list }}' }),
      out: transform('${{ size(steps.ask.output) }}', { needs: ['ask'] }),
    },
    { list },
  );
  const task = await next('large');
  await complete(task, { output: [...list, ...list] });
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { out: 18_000 } });
  const [step] = (await product.steps(id)).filter(({ node }) => node === 'ask');
  expect(step?.output_ref).toMatch(/^sha256:/);
});

test('a task that failed is offered again as its retry says, and then fails the run', async () => {
  const retry = { max_attempts: 2, initial_interval_ms: 10 };
  const id = await begin('agent-retry', { ask: agent('failing', {}, { retry }) });
  for (const attempt of [1, 2]) {
    const task = await next('failing');
    expect(task.attempt).toBe(attempt);
    await complete(task, { error: { code: 'too_hard', message: `no ${attempt}` } });
  }
  expect(await product.ended(id)).toMatchObject({
    state: 'failed',
    error: { code: 'too_hard', message: 'no 2', step: 'ask' },
  });
  expect((await product.steps(id)).map(({ attempt, state }) => [attempt, state])).toEqual([
    [1, 'failed'],
    [2, 'failed'],
  ]);
});

test('a task nobody does in time fails, and whoever still works on it is told', async () => {
  const id = await begin('agent-timeout', { ask: agent('slow', { timeout_seconds: 4 }) });
  const task = await next('slow');
  expect((await heartbeat(task)).status).toBe(200);
  expect(await product.ended(id)).toMatchObject({ state: 'failed', error: { code: 'timeout', step: 'ask' } });
  expect((await heartbeat(task)).status).toBe(409);
  expect((await complete(task, { output: 1 })).status).toBe(409);
});

test('a cancelled run calls its tasks off', async () => {
  const id = await begin('agent-cancel', { ask: agent('cancelled') });
  const task = await next('cancelled');
  await product.call('POST', `/runs/${id}/cancel`);
  expect(await product.ended(id)).toMatchObject({ state: 'cancelled' });
  expect((await heartbeat(task)).status).toBe(409);
  const { body } = await product.call<{ items: { state: string }[] }>(
    'GET',
    '/agent-tasks?capability=cancelled',
  );
  expect(body.items.map(({ state }) => state)).toEqual(['cancelled']);
});

test('a pause stops the clock of a task; a result that comes meanwhile counts after the resume', async () => {
  const id = await begin('agent-pause', { ask: agent('paused', { timeout_seconds: 5 }) });
  const task = await next('paused');
  await product.call('POST', `/runs/${id}/pause`);
  await product.until(id, ({ state }) => state === 'paused');
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  expect(await product.run(id)).toMatchObject({ state: 'paused' });
  expect((await complete(task, { output: 'kept' })).status).toBe(200);
  await product.call('POST', `/runs/${id}/resume`);
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { ask: 'kept' } });
});

test('a map hands one task out for each item, to as many agents at once as it may', async () => {
  const id = await begin('agent-map', {
    each: {
      type: 'map',
      config: { items: [1, 2, 3], node: agent('mapped', { task: '${{ item }}' }), max_parallel: 2 },
    },
  });
  const first = await next('mapped');
  const second = await next('mapped');
  expect(new Set([first.task, second.task])).toEqual(new Set([1, 2]));
  await complete(second, { output: (second.task as number) * 10 });
  const third = await next('mapped');
  await complete(first, { output: (first.task as number) * 10 });
  await complete(third, { output: (third.task as number) * 10 });
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { each: [10, 20, 30] } });
});

test('a task that cannot be evaluated fails its step', async () => {
  const id = await begin('agent-bad', { ask: agent('bad', { task: '${{ input.missing.field }}' }) });
  expect(await product.ended(id)).toMatchObject({ state: 'failed', error: { code: 'expression_error' } });
});

test('agents undo too', async () => {
  const id = await begin('agent-undo', {
    a: transform({ id: 'A' }, { compensate: agent('undo', { task: '${{ steps.a.output.id }}' }) }),
    b: transform('${{ input.missing.field }}', { needs: ['a'] }),
  });
  const task = await next('undo');
  expect(task.task).toBe('A');
  await complete(task, { output: null });
  expect(await product.ended(id)).toMatchObject({ state: 'failed', error: { step: 'b' } });
  expect((await product.steps(id)).find(({ node }) => node === 'a.compensate')).toMatchObject({
    state: 'succeeded',
  });
});
