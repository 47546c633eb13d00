import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId } from '../../../src/ids.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import { untilAtRest } from '../../support/executions.ts';
import { contradictions } from '../../support/model-check.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import {
  age,
  reconcile,
  temporalSide,
  untilStep,
  type HistoryEvent,
  type TemporalSide,
} from './temporal-side.ts';

let product: Product;
let side: TemporalSide;
let server: Server;
let origin: string;
const calls: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    calls.push(request.url ?? '');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ call: calls.filter((url) => url === request.url).length }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  product = await startProduct({ env: { ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: '127.0.0.1' } });
  side = await temporalSide();
});
afterAll(async () => {
  await side?.close();
  await product?.stop();
  server?.close();
});
afterEach(async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});

const http = (path: string, more: object = {}) => ({
  type: 'http',
  config: { method: 'GET', url: `${origin}/${path}` },
  ...more,
});
const isSignal = (event: HistoryEvent) => event.workflowExecutionSignaledEventAttributes != null;
const isActivity = (event: HistoryEvent) => event.activityTaskScheduledEventAttributes != null;
const isTimer = (event: HistoryEvent) => event.timerFiredEventAttributes != null;
const never = () => false;

const typesOf = async (id: string) => (await product.events(id)).map((event) => event.type);
const rowsOf = async (id: string) =>
  (await product.steps(id)).map(({ node, epoch, state }) => `${node}/${String(epoch)} ${state}`).sort();

/** An approval between two calls; answers the run once it waits, and has nothing else to do. */
async function asking(name: string): Promise<string> {
  const nodes = {
    before: http(`${name}/before`),
    ask: { type: 'approval', needs: ['before'], config: { prompt: 'Go on?' } },
    after: http(`${name}/after`, { needs: ['ask'] }),
    sum: transform('${{ steps.before.output.body.call * 10 + steps.after.output.body.call }}', {
      needs: ['after'],
    }),
  };
  await product.publish(name, definition(name, nodes, { output: '${{ steps.sum.output }}' }));
  const { id } = await product.start(name);
  await untilStep(product, id, 'ask', 'waiting');
  await untilAtRest(side.client, id);
  return id;
}

const decide = async (id: string, decision: 'approve' | 'reject') => {
  expect((await product.call('POST', `/runs/${id}/approvals/ask`, { decision })).status).toBe(202);
};

it('a run that ended is reset to before its decision: it opens again, and goes the other way', async () => {
  const id = await asking('decided');
  await decide(id, 'reject');
  expect(await product.ended(id)).toMatchObject({ state: 'failed', epoch: 0 });
  const temporal_run_id = await side.reset(id, isSignal);
  expect(await product.until(id, (run) => run.epoch === 1)).toMatchObject({
    state: 'running',
    ended_at: null,
    error: null,
    reason: null,
    snapshot_id: null,
    temporal_run_id,
  });
  await decide(id, 'approve');
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: 11, epoch: 1 });
  // What came before the reset was not done again.
  expect(calls.filter((url) => url.startsWith('/decided'))).toEqual(['/decided/before', '/decided/after']);
  const types = await typesOf(id);
  expect(types.filter((type) => ['run.failed', 'run.reset', 'run.completed'].includes(type))).toEqual([
    'run.failed',
    'run.reset',
    'run.completed',
  ]);
  const { rows } = await product.database.pool.query(
    `SELECT from_state, to_state, actor FROM run_state_transition WHERE run_id = $1 ORDER BY event_seq`,
    [id],
  );
  expect(rows).toEqual([
    { from_state: null, to_state: 'queued', actor: 'token:admin' },
    { from_state: 'queued', to_state: 'running', actor: 'engine' },
    { from_state: 'running', to_state: 'failed', actor: 'engine' },
    { from_state: 'failed', to_state: 'running', actor: 'temporal' },
    { from_state: 'running', to_state: 'completed', actor: 'engine' },
  ]);
});

it('a run in the middle is reset to before a call that was made: the call is made again, in the next epoch', async () => {
  const id = await asking('again');
  await side.reset(id, isActivity);
  await product.until(id, (run) => run.epoch === 1);
  await untilStep(product, id, 'before', 'succeeded');
  for (let tries = 0; tries < 200 && (await rowsOf(id)).length < 4; tries++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  expect(await rowsOf(id)).toEqual([
    'ask/0 cancelled',
    'ask/1 waiting',
    'before/0 succeeded',
    'before/1 succeeded',
  ]);
  await decide(id, 'approve');
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: 21, epoch: 1 });
});

it('a run of light steps that completed is reset to its beginning, and ends again', async () => {
  await product.publish('light', definition('light', { a: transform('${{ input.n }}') }));
  const { id } = await product.start('light', { n: 3 });
  const first = await product.ended(id);
  await side.reset(id, never);
  const again = await product.until(id, (run) => run.epoch === 1 && run.ended_at !== null);
  expect(again).toMatchObject({ state: 'completed', output: { a: 3 }, started_at: first.started_at });
  expect(again.snapshot_id).not.toBe(first.snapshot_id);
  expect((await typesOf(id)).filter((type) => type === 'run.started')).toHaveLength(2);
});

it('a run terminated in Temporal and then reset there is open again', async () => {
  const id = await asking('both');
  await side.client.workflow.getHandle(id).terminate('by mistake');
  await age(product);
  await reconcile(product);
  await side.reset(id, never);
  await product.until(id, (run) => run.epoch === 1);
  await untilStep(product, id, 'ask', 'waiting');
  await decide(id, 'approve');
  expect(await product.ended(id)).toMatchObject({ state: 'completed', epoch: 1 });
});

it('a reset that no worker has told of yet is found by a pass', async () => {
  const id = await asking('untold');
  // What the row of a run that had ended looks like, whose new execution is at rest.
  await product.call('POST', `/runs/${id}/terminate`, { reason: 'for the test' });
  await product.ended(id);
  const temporal_run_id = await side.reset(id, isSignal);
  await product.until(id, (run) => run.epoch === 1);
  await untilAtRest(side.client, id);
  await product.database.pool.query(
    `WITH e AS (UPDATE run SET state = 'terminated', ended_at = now(), temporal_run_id = $2, last_event_seq = last_event_seq + 1,
       snapshot_id = (SELECT id FROM artifact WHERE kind = 'run_snapshot' LIMIT 1) WHERE id = $1 RETURNING *),
     t AS (INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor) SELECT id, last_event_seq, 'running', state, 'test' FROM e),
     s AS (UPDATE step SET state = 'cancelled' WHERE run_id = $1 AND state = 'waiting')
     INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, 'run.terminated', '{}' FROM e`,
    [id, newId()],
  );
  expect(await reconcile(product, true)).toMatchObject({ findings: [{ kind: 'reset', run_id: id }] });
  expect(await reconcile(product)).toMatchObject({ repaired: { reset: 1 } });
  expect(await product.run(id)).toMatchObject({ state: 'running', epoch: 2, temporal_run_id });
  await untilStep(product, id, 'ask', 'waiting');
  await decide(id, 'approve');
  expect(await product.ended(id)).toMatchObject({ state: 'completed', epoch: 2 });
});

it('a run is reset twice, the second time after it had ended again', async () => {
  const nodes = { w: wait(0.3), call: http('twice', { needs: ['w'] }), w2: wait(0.3, { needs: ['call'] }) };
  await product.publish('twice', definition('twice', nodes));
  const { id } = await product.start('twice');
  await product.ended(id);
  for (const epoch of [1, 2]) {
    await side.reset(id, isActivity);
    const again = await product.until(id, (run) => run.epoch === epoch && run.ended_at !== null);
    expect(again).toMatchObject({ state: 'completed', output: { w2: { payload: null } } });
  }
  expect(calls.filter((url) => url === '/twice')).toHaveLength(3);
  expect((await product.steps(id)).filter(({ node }) => node === 'call').map(({ epoch }) => epoch)).toEqual([
    0, 1, 2,
  ]);
});

it('a paused run that is reset stays paused, and goes on when told to', async () => {
  await product.publish('paused', definition('paused', { w: wait(8), t: transform(1, { needs: ['w'] }) }));
  const { id } = await product.start('paused');
  await untilStep(product, id, 'w', 'waiting');
  await product.call('POST', `/runs/${id}/pause`);
  await product.until(id, (run) => run.state === 'paused');
  await side.reset(id, isTimer);
  await product.until(id, (run) => run.epoch === 1 && run.state === 'paused');
  expect((await product.call('POST', `/runs/${id}/resume`)).status).toBe(202);
  expect(await product.ended(id)).toMatchObject({ state: 'completed', epoch: 1 });
});
