import { TestWorkflowEnvironment } from '@temporalio/testing';
import { definition, transform, wait } from '../support/definitions.ts';
import { eventually } from '../support/eventually.ts';
import { LIMIT_MS } from '../support/faults.ts';
import { startFlakyServer, type FlakyServer } from '../support/flaky-server.ts';
import { contradictions } from '../support/model-check.ts';
import { startProduct, type Product } from '../support/product.ts';
import { timeSkippingServer } from '../support/time-skipping.ts';

const HOUR_MS = 3_600_000;
const HOUR_SECONDS = 3_600;
const KEYWORD = 2;

let time: TestWorkflowEnvironment;
let address: string;
let server: FlakyServer;
let product: Product;

/** The SDK gives its server 5 s to start, which is not enough on a machine that is busy. */
async function startedTime(path: string, tries = 5): Promise<TestWorkflowEnvironment> {
  try {
    const server = { executable: { type: 'existing-path', path } } as const;
    return await TestWorkflowEnvironment.createTimeSkipping({ server });
  } catch (error) {
    if (tries === 1) throw error;
    return startedTime(path, tries - 1);
  }
}

beforeAll(async () => {
  time = await startedTime(await timeSkippingServer());
  address = time.address;
  const names = ['Workflow', 'Project', 'Type', 'State'].map(
    (name) => [`Orchestrator${name}`, KEYWORD] as const,
  );
  await time.connection.operatorService.addSearchAttributes({
    searchAttributes: Object.fromEntries(names),
    namespace: 'default',
  });
  process.env.ORCHESTRATOR_TEST_TEMPORAL_ADDRESS = address;
  server = await startFlakyServer();
  product = await startProduct({
    has_runtime: true,
    env: { ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: '127.0.0.1' },
  });
}, LIMIT_MS);
afterAll(async () => {
  await product?.stop();
  await server?.close();
  await time?.teardown();
});

const day = (url: string) =>
  definition('day', {
    flaky: {
      type: 'http',
      config: { method: 'GET', url },
      retry: { max_attempts: 5, initial_interval_ms: HOUR_MS, backoff: 2, max_interval_ms: 12 * HOUR_MS },
    },
    rest: wait(6 * HOUR_SECONDS, { needs: ['flaky'] }),
    asked: {
      type: 'approval',
      needs: ['rest'],
      config: { prompt: 'Still there?', timeout_seconds: 4 * HOUR_SECONDS, on_timeout: 'approve' },
    },
    night: wait(2 * HOUR_SECONDS, { needs: ['asked'] }),
    last: transform('${{ steps.asked.output.decision }}', { needs: ['night'] }),
  });

test(
  'a day of 24 hours: back-offs, waits, an approval nobody answers, and a pause whose clocks stand still',
  async () => {
    await product.publish('day', day(`${server.url}/fail-3`));
    const { id } = await product.start('day');
    const step = async (node: string) => (await product.steps(id)).filter((one) => one.node === node);
    // The first failure; then 1, 2 and 4 hours between the attempts.
    await eventually(async () => (await step('flaky')).length === 1 || undefined);
    await time.sleep(7 * HOUR_MS);
    await eventually(async () => (await step('rest')).length === 1 || undefined);
    expect((await step('flaky')).map(({ state }) => state)).toEqual([
      'failed',
      'failed',
      'failed',
      'succeeded',
    ]);
    await time.sleep(2 * HOUR_MS);
    expect((await product.call('POST', `/runs/${id}/pause`)).status).toBe(202);
    await product.until(id, ({ state }) => state === 'paused');
    await time.sleep(5 * HOUR_MS);
    expect((await product.run(id)).state).toBe('paused');
    expect((await step('rest'))[0]?.state).toBe('waiting');
    expect((await product.call('POST', `/runs/${id}/resume`)).status).toBe(202);
    await product.until(id, ({ state }) => state === 'running');
    // What was left of the wait, the approval's time, and the night.
    await time.sleep(11 * HOUR_MS);
    expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { last: 'approve' } });

    const [rest] = await step('rest');
    expect(hours((rest?.output as { waited_ms: number }).waited_ms)).toBe(6 + 5);
    const [asked] = await step('asked');
    expect(asked).toMatchObject({ cause: 'timeout', output: { decision: 'approve', by: null } });
    expect(hours(Date.parse(String(asked?.ended_at)) - Date.parse(String(asked?.started_at)))).toBe(4);
    const events = (await product.events(id)) as unknown as { type: string; time: string }[];
    const at = (type: string) => Date.parse(events.find((event) => event.type === type)!.time);
    expect(hours(at('run.completed') - at('run.started'))).toBe(24);
    expect(server.asked.get('/fail-3')).toBe(4);
    expect(await contradictions(product.database_url, address)).toEqual([]);
  },
  LIMIT_MS,
);

const hours = (ms: number): number => Math.round((10 * ms) / HOUR_MS) / 10;
