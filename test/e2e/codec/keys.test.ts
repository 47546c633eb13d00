import { Client, Connection } from '@temporalio/client';
import { temporalCodec } from '../../../src/clients/temporal-codec.ts';
import { secret } from '../../../src/config-secret.ts';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { contradictions } from '../../support/model-check.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { sharedBundles } from '../../support/shared-bundles.ts';
import { testTemporal } from '../../support/stack.ts';
import { startWorker, type TestWorker } from '../../support/worker.ts';
import { keysIn, rawOf } from './raw.ts';

const OLD = 'the-key-of-last-year-0123456789abcdef';
const NEW = 'the-key-of-this-year-0123456789abcdef';
const OTHER = 'a-key-of-another-place-0123456789abcd';
const codec = temporalCodec({ current: NEW, previous: [OLD] });
/** Of gRPC. */
const NOT_FOUND = 5;

interface Keys {
  current?: string;
  previous?: string[];
}

let product: Product;
let worker: TestWorker | undefined;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  connection = await Connection.connect({ address: testTemporal() });
  client = new Client({ connection });
});
afterEach(async () => {
  const found = await contradictions(product.database_url, testTemporal(), codec);
  await worker?.stop();
  worker = undefined;
  await product.stop();
  expect(found).toEqual([]);
});
afterAll(() => connection.close());

/** The API, which sends commands, with these keys; who carries runs out is changed in the middle of them. */
async function startApi({ current, previous = [] }: Keys): Promise<void> {
  const env: Record<string, string> = {};
  if (current !== undefined) env.ORCHESTRATOR_TEMPORAL_CODEC_KEY = current;
  if (previous.length > 0) env.ORCHESTRATOR_TEMPORAL_CODEC_PREVIOUS_KEYS = previous.join(',');
  product = await startProduct({ worker: false, env });
}

/** The only worker there is has these keys from now on. */
async function workWith({ current, previous = [] }: Keys): Promise<void> {
  await worker?.stop();
  const temporal = {
    ...product.config.temporal,
    codec_key: current === undefined ? undefined : secret(current),
    codec_previous_keys: previous.map(secret),
  };
  const config = { ...product.config, temporal, data_dir: sharedBundles() };
  worker = await startWorker(config, product.database_url);
}

/** A run with results behind it that waits for an event. */
async function openRun(): Promise<string> {
  const awaiting = (event: string, needs: string[]) => ({ type: 'wait', config: { event }, needs });
  await product.publish(
    'open',
    definition('open', {
      first: transform('${{ input.text }}'),
      heard: awaiting('go', ['first']),
      again: awaiting('on', ['heard']),
      last: transform('${{ steps.first.output + steps.heard.output.payload + steps.again.output.payload }}', {
        needs: ['again'],
      }),
    }),
  );
  const { id } = await product.start('open', { text: 'a' });
  await waits(id, 'heard');
  return id;
}

const waits = (id: string, node: string) =>
  eventually(async () =>
    (await product.steps(id)).some((step) => step.node === node && step.state === 'waiting'),
  );
const send = (id: string, event: string, payload: string) =>
  product.call('POST', `/runs/${id}/events/${event}`, payload);
const keysOf = async (id: string) => keysIn((await rawOf(client, id)).bytes).size;
/** A run that was only just accepted is not there yet. */
const failedTasks = (id: string) =>
  rawOf(client, id).then(
    ({ events }) => events.filter((event) => event.workflowTaskFailedEventAttributes).length,
    (error: { code?: number }) => {
      if (error.code === NOT_FOUND) return 0;
      throw error;
    },
  );

test('a run that began without a key goes on when there is one, and when the key is taken away again', async () => {
  await startApi({ previous: [NEW] });
  await workWith({});
  const id = await openRun();
  expect(await keysOf(id)).toBe(0);
  await workWith({ current: NEW });
  await send(id, 'go', 'b');
  await waits(id, 'again');
  // Rows are written before the task that wrote them is in the history.
  await eventually(async () => (await keysOf(id)) === 1);
  await workWith({ previous: [NEW] });
  await send(id, 'on', 'c');
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { last: 'abc' } });
});

test('a key is changed under open runs: what there is is read with the old one, what is new has the new one', async () => {
  await startApi({ current: OLD, previous: [NEW] });
  await workWith({ current: OLD });
  const id = await openRun();
  await workWith({ current: NEW, previous: [OLD] });
  await send(id, 'go', 'b');
  await waits(id, 'again');
  await send(id, 'on', 'c');
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { last: 'abc' } });
  expect(await keysOf(id)).toBe(2);
});

test.each([
  ['another key', { current: OTHER }],
  ['no key', {}],
])(
  'a worker with %s loses nothing: the run waits, and goes on where there is the right one',
  async (_, keys) => {
    await startApi({ current: NEW });
    await workWith({ current: NEW });
    const id = await openRun();
    await workWith(keys);
    await send(id, 'go', 'b');
    await eventually(async () => (await failedTasks(id)) > 0);
    const { id: fresh } = await product.start('open', { text: 'x' });
    await eventually(async () => (await failedTasks(fresh)) > 0);
    expect((await product.run(id)).state).toBe('running');
    expect(['queued', 'running']).toContain((await product.run(fresh)).state);
    await workWith({ current: NEW });
    await waits(id, 'again');
    await waits(fresh, 'heard');
    for (const [run, event, payload] of [
      [id, 'on', 'c'],
      [fresh, 'go', 'y'],
      [fresh, 'on', 'z'],
    ] as const)
      await send(run, event, payload);
    expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { last: 'abc' } });
    expect(await product.ended(fresh)).toMatchObject({ state: 'completed', output: { last: 'xyz' } });
  },
);
