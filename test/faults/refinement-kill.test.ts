import { Client, Connection } from '@temporalio/client';
import { refinementId } from '../../src/contract/refinement.ts';
import { definition, transform } from '../support/definitions.ts';
import { settings } from '../support/doomed.ts';
import { type EngineGate, engineGate, type Passing } from '../support/engine-gate.ts';
import { eventually } from '../support/eventually.ts';
import { LIMIT_MS } from '../support/faults.ts';
import { contradictions } from '../support/model-check.ts';
import { freePort } from '../support/own-server.ts';
import { ownProcess, type OwnProcess } from '../support/own-process.ts';
import { startProduct, type Product } from '../support/product.ts';
import { testTemporal } from '../support/stack.ts';
import { tcpGate, type TcpGate } from '../support/tcp-gate.ts';

interface Proposal {
  id: string;
  thread_id: string;
  status: string;
}
interface Frame {
  seq: number;
  attempt: number;
  type: string;
  data: { status?: string };
}

let product: Product;
let engine: OwnProcess;
let engine_url: string;
let gate: EngineGate;
let link: TcpGate;
const workers: OwnProcess[] = [];
/** Asked by the gate before anything passes; what has no answer here passes. */
let at: (passing: Passing) => Promise<'pass' | 'cut'> | 'pass' | 'cut' = () => 'pass';
let made = 0;

beforeAll(async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  engine_url = `http://${listen}`;
  engine = ownProcess('spec-engine', { ORCHESTRATOR_SPEC_ENGINE_LISTEN: listen });
  gate = await engineGate(engine_url, (passing) => at(passing));
  link = await tcpGate(testTemporal());
  product = await startProduct({ worker: false });
  await engine.start();
  await startWorker(link.address);
}, LIMIT_MS);
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await gate?.close();
  link?.close();
  await engine?.stop();
  await product?.stop();
}, LIMIT_MS);

async function startWorker(temporal: string): Promise<void> {
  const worker = ownProcess('worker', {
    ...settings(product, 'worker', ''),
    ORCHESTRATOR_TEMPORAL_HOST_PORT: temporal,
    ORCHESTRATOR_SPEC_ENGINE_URL: gate.url,
  });
  workers.push(worker);
  await worker.start();
}

async function ask(): Promise<Proposal & { workflow: string }> {
  const workflow = `killed${++made}`;
  await product.publish(
    workflow,
    definition(workflow, { a: transform(1), b: transform(2, { needs: ['a'] }) }),
  );
  const body = { workflow, instructions: 'retry a 5 times every 2 seconds' };
  const asked = await product.call<{ proposal_id: string; thread_id: string }>('POST', '/refinements', body);
  expect(asked.status).toBe(202);
  return { id: asked.body.proposal_id, thread_id: asked.body.thread_id, status: 'processing', workflow };
}

const read = async (id: string) => (await product.call<Proposal>('GET', `/proposals/${id}?wait=30`)).body;
const done = (id: string) =>
  eventually(async () => {
    const found = await read(id);
    return found.status === 'processing' ? undefined : found;
  });
const framesOf = async (id: string) =>
  (
    await product.database.pool.query<Frame>(
      'SELECT seq, attempt, type, data FROM proposal_frame WHERE proposal_id = $1 ORDER BY seq',
      [id],
    )
  ).rows;

/** Whoever reads only the last attempt has the whole story; one reader in one sitting sees where it begins. */
async function toldOnce(id: string): Promise<Frame[]> {
  const frames = await framesOf(id);
  const { attempt } = frames.at(-1)!;
  const last = frames.filter((frame) => frame.attempt === attempt);
  const types = last.map(({ type, data }) => (type === 'status' ? `status ${data.status}` : type));
  const restarted = attempt > 1 && types[0] === 'status restarted' ? ['status restarted'] : [];
  expect(types).toEqual([...restarted, 'status processing', 'progress', 'patch', 'message', 'end']);
  // Unless nothing was heard before.
  expect(restarted.length > 0).toBe(frames.length > last.length);
  return frames;
}

/** It is one, it is approved, the draft has the change, and the engine keeps nothing of it. */
async function comesToOneEnd({ id, workflow, thread_id }: Proposal & { workflow: string }): Promise<void> {
  const all = await product.call<{ items: Proposal[] }>('GET', `/proposals?workflow=${workflow}`);
  expect(all.body.items.map((one) => [one.id, one.status])).toEqual([[id, 'completed']]);
  expect((await product.call('POST', `/proposals/${id}/approve`)).status).toBe(200);
  const draft = await product.call<{ definition: { nodes: object } }>(
    'GET',
    `/workflows/${workflow}%2Fdraft?materialize=true`,
  );
  expect(draft.body.definition.nodes).toMatchObject({ a: { retry: { max_attempts: 5 } } });
  await eventually(async () => (await fetch(`${engine_url}/spec-engine/state/${thread_id}`)).status === 404);
}

const MOMENTS: [string, (passing: Passing) => boolean][] = [
  ['before it accepts', ({ what }) => what === 'invoke'],
  ['after it accepted, before the first frame', ({ what }) => what === 'stream'],
  ['in the middle of the stream', ({ what, type }) => what === 'frame' && type === 'patch'],
  ['after its result, before the end', ({ what, type }) => what === 'frame' && type === 'end'],
];

test.each(MOMENTS)(
  'the engine is killed %s: the proposal is completed, once',
  async (_, is_it) => {
    let kills = 0;
    at = async (passing) => {
      if (kills > 0 || !is_it(passing)) return 'pass';
      kills += 1;
      await engine.kill();
      return 'cut';
    };
    const asked = await ask();
    await eventually(() => kills === 1);
    await engine.start();
    expect(await done(asked.id)).toMatchObject({ status: 'completed', understood: true });
    await toldOnce(asked.id);
    await comesToOneEnd(asked);
  },
  LIMIT_MS,
);

test(
  'a worker is killed with a request under way, in the middle of a stream, and before it reports: others go on, once each',
  async () => {
    const holds: { thread_id: string; what: string; type?: string; open: () => void }[] = [];
    const held_at: Record<string, (passing: Passing) => boolean> = {};
    at = (passing) => {
      if (!held_at[passing.thread_id]?.(passing)) return 'pass';
      return new Promise((resolve) => holds.push({ ...passing, open: () => resolve('pass') }));
    };
    // Of the thread that is asked for next.
    const hold = async (wanted: (passing: Passing) => boolean) => {
      at = ((before) => (passing: Passing) => {
        held_at[passing.thread_id] ??= wanted;
        return before(passing);
      })(at);
      const asked = await ask();
      await eventually(() => holds.some(({ thread_id }) => thread_id === asked.thread_id));
      return asked;
    };
    const release = (thread_id: string) => {
      held_at[thread_id] = () => false;
      for (const each of holds) if (each.thread_id === thread_id) each.open();
    };
    const requested = await hold(({ what }) => what === 'invoke');
    const streaming = await hold(({ what, type }) => what === 'frame' && type === 'message');
    const ending = await hold(({ what, type }) => what === 'frame' && type === 'end');
    await eventually(async () => (await framesOf(streaming.id)).length === 3);
    expect((await framesOf(requested.id)).length).toBe(0);

    // Nothing that the worker says reaches Temporal any more; what it keeps is kept.
    link.block();
    release(ending.thread_id);
    expect(await done(ending.id)).toMatchObject({ status: 'completed' });
    const told = await framesOf(ending.id);
    await workers[0]!.kill();
    for (const { thread_id } of [requested, streaming]) release(thread_id);
    await startWorker(testTemporal());

    const connection = await Connection.connect({ address: testTemporal() });
    const client = new Client({ connection, namespace: product.config.temporal.namespace });
    for (const { id } of [requested, streaming, ending])
      await client.workflow.getHandle(refinementId(id)).result();
    await connection.close();
    expect(await framesOf(ending.id)).toEqual(told);
    expect((await toldOnce(streaming.id)).map(({ attempt }) => attempt)).toEqual([
      ...[1, 1, 1],
      ...[2, 2, 2, 2, 2, 2],
    ]);
    await toldOnce(requested.id);
    for (const asked of [requested, streaming, ending]) await comesToOneEnd(asked);
  },
  LIMIT_MS,
);

test('rows, frames and Temporal tell the same story afterwards', async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});
