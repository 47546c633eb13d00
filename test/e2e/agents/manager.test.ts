import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { newId } from '../../../src/ids.ts';
import { TOKEN } from '../../fixtures/agent-manager.ts';
import { agentManagerServer, type AgentManagerServer } from '../../support/agent-manager.ts';
import { onServer } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { ownProcess, type OwnProcess } from '../../support/own-process.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

interface AgentBody {
  id: string;
  source: string;
  status: string;
  restart_requested_at: string | null;
}
interface Page {
  items: AgentBody[];
  next_cursor: string | null;
  unavailable: string[];
}

let manager: AgentManagerServer;
let product: Product;
let home: string;
/** A process that is an agent, and that our database does not know. */
let far: OwnProcess;
const FAR = newId();
const UNKNOWN = newId();

beforeAll(async () => {
  manager = await agentManagerServer();
  product = await startProduct({
    code: true,
    env: {
      ORCHESTRATOR_WORKER_AGENT_WAIT_SECONDS: '1',
      ORCHESTRATOR_AGENT_MANAGER_BASE_URL: manager.url,
      ORCHESTRATOR_AGENT_MANAGER_TOKEN: TOKEN,
      ORCHESTRATOR_AGENT_MANAGER_REFRESH_SECONDS: '1',
    },
  });
  home = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-far-agent-'));
  far = ownProcess('agent', farSettings());
  await far.start();
  await forget(FAR);
  manager.put(farRecord());
  await eventually(async () => (await seen(FAR))?.status === 'ready');
});
afterAll(async () => {
  await far.kill();
  await stopSoundly(product);
  await manager.stop();
  await rm(home, { recursive: true, force: true });
  expect(manager.violations).toEqual([]);
});

/** It polls a queue of its own, and none that agents of the product poll; it says once in an hour that it lives. */
function farSettings(): Record<string, string> {
  const { task_queue } = product.config.temporal;
  return {
    ORCHESTRATOR_DATABASE_URL: product.database_url,
    ORCHESTRATOR_TEMPORAL_HOST_PORT: testTemporal(),
    ORCHESTRATOR_TEMPORAL_TASK_QUEUE: task_queue,
    ORCHESTRATOR_AUTH_API_TOKEN: product.token,
    ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false',
    ORCHESTRATOR_DATA_DIR: home,
    ORCHESTRATOR_WORKER_CODE_TASK_QUEUE: `${task_queue}-far`,
    ORCHESTRATOR_WORKER_AGENT_ID: FAR,
    ORCHESTRATOR_WORKER_AGENT_HEARTBEAT_SECONDS: '3600',
  };
}

const farRecord = (more: Record<string, unknown> = {}) => ({
  id: FAR,
  status: 'ready',
  capabilities: { languages: [{ language: 'bash' }] },
  labels: { place: 'far' },
  task_queue: `${product.config.temporal.task_queue}-far-${FAR}`,
  started_at: '2026-03-01T08:00:00Z',
  last_heartbeat_at: '2026-03-01T09:00:00Z',
  ...more,
});
const forget = (id: string) => onServer(product.database_url, `DELETE FROM agent WHERE id = '${id}'`);
const list = async (query = '') => (await product.call<Page>('GET', `/agents${query}`)).body;
const seen = async (id: string) => (await list()).items.find((agent) => agent.id === id);
const restart = (id: string) =>
  product.call<AgentBody & { status: unknown }>('POST', `/agents/${id}/restart`);

async function execute(agent: Record<string, unknown>) {
  const input = { language: 'bash', source: 'echo hello', agent };
  const { body } = await product.call<{ id: string }>('POST', '/runs', { type: 'code_execution', input });
  return product.ended(body.id);
}
/** API and worker follow the manager each for itself: one may know what the other one does not yet. */
const isChosen = () => eventually(async () => (await execute({ id: FAR })).state === 'completed');
const isNotChosen = () =>
  eventually(async () => (await execute({ id: FAR })).error?.code === 'agent_unavailable');
const agentOf = ({ output }: { output: unknown }) => (output as { agent_id: string }).agent_id;

test('a program runs on an agent that only the manager knows', async () => {
  const run = await execute({ labels: { place: 'far' } });
  expect(run).toMatchObject({ state: 'completed', output: { stdout: 'hello\n', agent_id: FAR } });
  const steps = await product.steps(run.id);
  const carried_out_by = Object.fromEntries(steps.map(({ node, agent_id }) => [node, agent_id]));
  expect(carried_out_by).toMatchObject({
    PrepareEnvironment: FAR,
    ExecuteCode: FAR,
    CleanupEnvironment: FAR,
  });
});

test('agents of both are listed, each with where it is from, page by page', async () => {
  const { items, next_cursor, unavailable } = await list();
  expect(items.map(({ source, id }) => [source, id === FAR])).toEqual([
    ['own', false],
    ['agent_manager', true],
  ]);
  expect([next_cursor, unavailable]).toEqual([null, []]);
  const first = await list('?limit=1');
  const second = await list(`?limit=1&cursor=${first.next_cursor}`);
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(items.map(({ id }) => id));
  expect(second.next_cursor).toBeNull();
  const one = await product.call<AgentBody>('GET', `/agents/${FAR.toUpperCase()}`);
  expect([one.status, one.body]).toMatchObject([200, { id: FAR, type: 'external', source: 'agent_manager' }]);
});

test.each([
  ['{"started_at":"2026-03-01T08:00:00Z","id":"a"}'],
  ['{"source":"own","started_at":"2026-03-01T08:00:00Z","id":"no-uuid"}'],
  ['{"source":"own","started_at":"now","id":"00000000-0000-7000-8000-000000000000"}'],
  ['{"source":"else","started_at":"2026-03-01T08:00:00Z","id":"a"}'],
  ['{"source":"agent_manager","started_at":"2026-03-01T08:00:00Z","id":"../a"}'],
])('the cursor %s is refused', async (text) => {
  const { status } = await product.call('GET', `/agents?cursor=${Buffer.from(text).toString('base64url')}`);
  expect(status).toBe(422);
});

test('a restart is passed on, with who wants it; the agent gets no work until it has', async () => {
  const { status, body } = await restart(FAR);
  expect([status, body]).toMatchObject([202, { id: FAR, source: 'agent_manager' }]);
  expect(body.restart_requested_at).not.toBeNull();
  expect(manager.restarts).toEqual([{ id: FAR, requested_by: 'token:admin' }]);
  await eventually(async () => (await seen(FAR))?.restart_requested_at !== null);
  await isNotChosen();
  manager.put(farRecord({ status: 'stopped' }));
  expect((await restart(FAR)).status).toBe(409);
  expect((await restart(UNKNOWN)).status).toBe(404);
  expect((await restart('nobody-of-ours')).status).toBe(404);
  manager.put(farRecord());
  await eventually(async () => (await seen(FAR))?.restart_requested_at === null);
});

test('with the manager away our own agents go on, and what is not known is said', async () => {
  await manager.stop();
  await eventually(async () => (await list()).unavailable.length > 0);
  const { items, unavailable } = await list();
  expect(items.map(({ source, status }) => [source, status])).toEqual([
    ['own', 'ready'],
    ['agent_manager', 'lost'],
  ]);
  expect(unavailable).toEqual(['agent_manager']);
  expect((await product.call('GET', `/agents/${FAR}`)).body).toMatchObject({ status: 'lost' });
  for (const id of [FAR, UNKNOWN]) expect((await restart(id)).status).toBe(503);
  expect((await product.call('GET', `/agents/${UNKNOWN}`)).status).toBe(503);
  await isNotChosen();
  expect(await execute({})).toMatchObject({ state: 'completed', output: { agent_id: items[0]?.id } });
  await manager.start();
  await eventually(async () => (await seen(FAR))?.status === 'ready');
  await isChosen();
});

test('what was given to an agent that is gone is done by another one', async () => {
  await far.kill();
  const [own] = (await list()).items;
  // Nobody has told the manager yet.
  const run = await execute({ id: FAR });
  expect([run.state, agentOf(run)]).toEqual(['completed', own?.id]);
  manager.remove(FAR);
  await eventually(async () => (await seen(FAR)) === undefined);
  await isNotChosen();
});
