import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { externalApi } from './external-api.ts';

const RUNTIME = path.resolve(import.meta.dirname, '../../../examples/external-runtime/runtime.py');
let product: Product;
let api: ReturnType<typeof externalApi>;
const children: ChildProcess[] = [];

beforeAll(async () => {
  product = await startProduct({
    worker: false,
    env: { ORCHESTRATOR_EXTERNAL_RUNS_HEARTBEAT_INTERVAL_SECONDS: '0' },
  });
  api = externalApi(product);
});
afterAll(async () => {
  children.forEach((child) => child.kill());
  await stopSoundly(product);
});

/** Starts the example; answers its run and what it prints. */
async function runtime(...args: string[]) {
  const env = {
    PATH: process.env.PATH,
    ORCHESTRATOR_API_URL: product.url,
    ORCHESTRATOR_API_TOKEN: product.token,
  };
  const child = spawn('python3', ['-B', RUNTIME, '--heartbeat-seconds', '0.1', ...args], { env });
  children.push(child);
  let printed = '';
  child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
  child.stderr.on('data', (text: Buffer) => (printed += text.toString()));
  const exit = once(child, 'exit').then(([code]) => code as number);
  for (let tries = 0; !/^run \S+$/m.test(printed); tries++) {
    if (tries > 400) throw new Error(`the runtime says: ${printed}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { id: /^run (\S+)$/m.exec(printed)![1]!, exit, printed: () => printed };
}

const latest = async (id: string) =>
  (
    await product.call<{
      step: number;
      status: string;
      metrics: { learning_rate: number; accuracy: number };
    }>('GET', `/runs/${id}/heartbeat`)
  ).body;

/** The first heartbeat that is as wanted. */
async function untilBeat(id: string, wanted: (beat: Awaited<ReturnType<typeof latest>>) => boolean) {
  for (let tries = 0; tries < 400; tries++) {
    const beat = await latest(id);
    if (beat.metrics && wanted(beat)) return beat;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no such heartbeat: ${JSON.stringify(await latest(id))}`);
}

test('the example trains for real, and obeys pause, tune, resume and terminate', async () => {
  const { id, exit, printed } = await runtime('--set', 'steps=1000000');
  const run = await product.until(id, ({ state }) => state === 'running');
  expect(run).toMatchObject({
    experiment_id: 'logistic-regression',
    version_id: 'examples/external-runtime',
    params: { steps: 1_000_000 },
  });
  const early = await untilBeat(id, ({ step }) => step > 0);

  await api.issue(id, 'p', 'pause');
  await product.until(id, ({ state }) => state === 'paused');
  const still = await untilBeat(id, ({ status }) => status === 'paused');
  await api.issue(id, 't', 'tune', { params: { learning_rate: 0.5 } });
  await product.until(id, ({ params }) => (params as { learning_rate: number }).learning_rate === 0.5);
  const paused = await untilBeat(id, ({ metrics }) => metrics.learning_rate === 0.5);
  expect([paused.step, paused.status]).toEqual([still.step, 'paused']);

  await api.issue(id, 'r', 'resume');
  await product.until(id, ({ state }) => state === 'running');
  const later = await untilBeat(
    id,
    ({ step, metrics }) => step > still.step + 100 && metrics.accuracy > 0.85,
  );
  expect(later.metrics.accuracy).toBeGreaterThan(early.metrics.accuracy - 0.05);

  await api.issue(id, 'end', 'terminate', { reason: 'good enough', final_checkpoint: true });
  expect(await product.ended(id)).toMatchObject({ state: 'terminated', reason: 'good enough' });
  expect([await exit, printed()]).toEqual([0, expect.stringContaining('terminate')]);
  const { applied } = (await api.commands(id)).find((command) => command.id === 'end')!;
  const blob = await product.call<{ step: number; weights: number[] }>(
    'GET',
    `/blobs/${String(applied!.checkpoint)}`,
  );
  expect([blob.status, blob.body.step, blob.body.weights.length]).toEqual([200, applied!.step, 9]);
  const series = await product.call<{ items: { step: number }[] }>('GET', `/runs/${id}/metrics?limit=100`);
  expect(series.body.items.length).toBeGreaterThan(5);
}, 60_000);

test('the example ends by itself with its result', async () => {
  const { id, exit } = await runtime('--set', 'steps=300', '--set', 'learning_rate=0.5', '--pace', '0');
  const run = await product.ended(id);
  expect(run).toMatchObject({ state: 'completed', output: { step: 300, checkpoint_version: 1 } });
  expect((run.output as { accuracy: number }).accuracy).toBeGreaterThan(0.85);
  expect(await exit).toBe(0);
});

test('the example takes up a run that waits for it, and stops when somebody ends it', async () => {
  const waiting = await api.open('logistic-regression', { params: { steps: 1_000_000 } });
  const { id, exit, printed } = await runtime('--run', waiting);
  expect(id).toBe(waiting);
  await product.until(id, ({ state }) => state === 'running');
  await product.call('POST', `/runs/${id}/complete`, { state: 'failed' });
  expect(await exit).toBe(0);
  // Both threads hear of it; the first one says so.
  expect(printed()).not.toContain('Traceback');
});
