import { readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { serveIntents } from '../../src/clients/intents/grpc-server.ts';
import type { BuiltinType } from '../../src/contract/builtins.ts';
import type { IntentAnalysis, IntentService } from '../../src/contract/intent.ts';
import { modelServer, type ModelServer } from '../intents/model-server.ts';
import { transform, wait } from '../support/definitions.ts';
import { eventually } from '../support/eventually.ts';
import { plantedRepository, type PlantedRepository } from '../support/planted-repository.ts';
import { startProduct, type Product } from '../support/product.ts';
import { stopSoundly } from '../support/stop-soundly.ts';

/** Where a step is held: at a table of the database that it is about to write, or by what it waits for itself. */
type Held = 'step' | 'cas_blob' | 'analysis_result' | 'itself';
/** What is there of a step in its middle, and must not be afterwards. */
type Leftover = 'workspace' | 'environment' | 'process';

interface Stop {
  node: string;
  held: Held;
  has?: Leftover[];
  input?: object;
}

const SLEEP = { language: 'bash', source: 'echo begun; sleep 600' };
const AT_HOST = { pull_request: 1, post_comments: true };

/** Every step of the workflows whose steps are ours, and what else they wait for. */
const STOPS: Record<Exclude<BuiltinType, 'deployment'>, Stop[]> = {
  code_execution: [
    { node: 'SelectAgent', held: 'step' },
    { node: 'SelectAgent', held: 'itself', input: { agent: { labels: { planet: 'mars' } } } },
    { node: 'PrepareEnvironment', held: 'step', has: ['environment'] },
    { node: 'ExecuteCode', held: 'itself', input: SLEEP, has: ['environment', 'process'] },
    { node: 'ExecuteCode', held: 'step', has: ['environment'] },
    { node: 'ProcessResults', held: 'step', has: ['environment'] },
    { node: 'CleanupEnvironment', held: 'step' },
  ],
  code_analysis: [
    { node: 'FetchCode', held: 'itself', has: ['workspace', 'process'] },
    { node: 'FetchCode', held: 'cas_blob', has: ['workspace', 'process'] },
    { node: 'RunStaticAnalysis', held: 'analysis_result', has: ['process'] },
    { node: 'RunSecurityAnalysis', held: 'analysis_result', has: ['process'] },
    { node: 'RunPerformanceAnalysis', held: 'analysis_result', has: ['process'] },
    { node: 'GenerateReport', held: 'cas_blob' },
  ],
  code_review: [
    { node: 'FetchChanges', held: 'itself', has: ['workspace', 'process'] },
    { node: 'FetchChanges', held: 'cas_blob', has: ['workspace', 'process'] },
    { node: 'RunAutomatedChecks', held: 'cas_blob' },
    { node: 'RunAIReview', held: 'itself', input: { ai_review: true } },
    { node: 'GenerateSummary', held: 'cas_blob' },
    { node: 'PostComments', held: 'itself', input: AT_HOST },
    { node: 'PostComments', held: 'step' },
  ],
  intent_processing: [
    { node: 'AnalyzeIntent', held: 'itself', input: { intent: 'never' } },
    { node: 'AnalyzeIntent', held: 'step' },
    { node: 'CreateExecutionPlan', held: 'itself', input: { intent: 'never planned' } },
    { node: 'CreateExecutionPlan', held: 'step' },
    { node: 'ApprovePlan', held: 'itself', input: { approve_plan: true } },
    { node: 'ExecuteSteps', held: 'itself', input: { intent: 'wait' } },
    { node: 'AggregateResults', held: 'step' },
  ],
};

let product: Product;
let shop: PlantedRepository;
let hold: Hold;
let mute: Mute;
let model: ModelServer;
let intents: { port: number; stop(options: { grace_ms: number }): Promise<void> };
/** Calls of the intent service that go on. */
const calls = new Set<string>();
/** What this process had below it before any run. */
let before: Set<number>;

beforeAll(async () => {
  mute = await muteServer();
  model = await modelServer();
  model.answer({ status: 200, body: null, never: true });
  intents = await serveIntents({ service: planner(), address: '127.0.0.1:0' });
  shop = await plantedRepository();
  product = await startProduct({ code: true, env: settings() });
  hold = await holds(product.database.pool);
  before = new Set((await below()).map(({ pid }) => pid));
});
afterAll(async () => {
  await stopSoundly(product);
  await intents.stop({ grace_ms: 100 });
  await model.close();
  mute.server.close();
  await rm(shop.root, { recursive: true, force: true });
});

const settings = () => ({
  ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root,
  ORCHESTRATOR_REPOSITORIES_ALLOW_HOSTS: '127.0.0.1',
  ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: '127.0.0.1',
  ORCHESTRATOR_INTENTS_ADDRESS: `127.0.0.1:${intents.port}`,
  ORCHESTRATOR_CODE_HOST_BASE_URL: `http://127.0.0.1:${mute.port}/`,
  ORCHESTRATOR_CODE_HOST_REPOSITORY: 'octocat/Hello-World',
  ORCHESTRATOR_CODE_HOST_TOKEN: 'test-token',
  ORCHESTRATOR_LLM_PROVIDER: 'openai',
  ORCHESTRATOR_LLM_BASE_URL: model.url,
  ORCHESTRATOR_LLM_MODEL: 'stand-in',
  ORCHESTRATOR_LLM_API_KEY: 'test-key',
});

const cases = Object.entries(STOPS).flatMap(([type, stops]) => stops.map((stop) => ({ type, ...stop })));

test.each(cases)('a cancel of $type in $node, held by $held, leaves nothing behind', async (stop) => {
  const { node, held, has = [] } = stop;
  // What was found before would not be looked for.
  await product.database.pool.query('DELETE FROM analysis_result');
  const asked = model.requests.length;
  if (held !== 'itself') await hold.arm(node, held);
  try {
    const id = await begin(stop);
    await eventually(() => (held === 'itself' ? isWaiting(id, stop, asked) : hold.isReached()), 30);
    for (const what of has) expect([what, (await left())[what]]).not.toEqual([what, []]);
    expect((await product.call('POST', `/runs/${id}/cancel`)).status).toBe(202);
    await product.until(id, ({ state }) => state === 'terminating' || state === 'cancelled');
    await hold.release();
    expect(await product.ended(id)).toMatchObject({ state: 'cancelled' });
    const step = (await product.steps(id)).findLast((one) => one.node === node);
    // The work of one that is held at its end is done.
    const done = { itself: [], cas_blob: ['succeeded'], analysis_result: ['succeeded'], step: ['succeeded'] };
    expect(['cancelled', ...done[held]]).toContain(step?.state);
  } finally {
    await hold.release();
  }
  await eventually(async () => {
    const { workspace, environment, process } = await left();
    // One analyser is kept a while for the next analysis, and ends with the worker; what compiles its sources is below it.
    const analysers = process.filter(({ command }) => command.includes('analyser-process'));
    const others = process.filter(({ command }) => !/analyser-process|\/esbuild /.test(command));
    return workspace.length + environment.length + others.length === 0 && analysers.length <= 1;
  }, 20);
  await eventually(() => mute.sockets.size + calls.size === 0, 20);
});

async function begin(stop: Stop & { type: string }): Promise<string> {
  const { type } = stop;
  const input = inputOf(stop);
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', { type, input });
  expect([status, body]).toMatchObject([202, { type }]);
  return body.id;
}

function inputOf({ type, node, held, input = {} }: Stop & { type: string }): object {
  const is_fetch = node.startsWith('Fetch') && held === 'itself';
  const repository = is_fetch ? `https://127.0.0.1:${mute.port}/x.git` : shop.directory;
  const inputs: Record<string, object> = {
    code_execution: { language: 'bash', source: 'echo 1' },
    code_analysis: { repository },
    code_review: { repository, base: 'main', head: 'coupons', ai_review: false },
    intent_processing: { intent: 'something' },
  };
  return { ...inputs[type], ...input };
}

/** Whether the step has come to what it waits for by itself. */
async function isWaiting(id: string, { node }: Stop, asked: number): Promise<boolean> {
  if (node === 'ExecuteCode') return (await product.events(id)).some(({ type }) => type === 'step.log');
  if (node === 'RunAIReview') return model.requests.length > asked;
  if (node.startsWith('Fetch') || node === 'PostComments') return mute.sockets.size > 0;
  if (node === 'AnalyzeIntent' || node === 'CreateExecutionPlan') return calls.size > 0;
  const steps = await product.steps(id);
  return steps.some((step) => step.node === node && ['running', 'waiting'].includes(step.state));
}

/** What is there of the work of this process, in which the product runs. */
async function left(): Promise<Record<Exclude<Leftover, 'process'>, string[]> & { process: Process[] }> {
  const { data_dir } = product.config;
  const [temporary, kept] = await Promise.all([readdir(os.tmpdir()), readdir(data_dir)]);
  return {
    workspace: temporary.filter((name) => name.startsWith(`orchestrator-git-${process.pid}-`)),
    environment: [
      ...kept.filter((name) => name.startsWith('run-')),
      ...(await readdir(path.join(data_dir, 'environments')).catch(() => [])),
    ],
    process: (await below()).filter(({ pid }) => !before.has(pid)),
  };
}

interface Process {
  pid: number;
  command: string;
}

/** The processes below this one. */
async function below(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return { pid, parent, command: command.replaceAll('\0', ' ') };
    }),
  );
  const found: typeof all = [];
  for (let ids = [process.pid]; ids.length > 0;) {
    const children = all.filter(({ parent }) => ids.includes(parent));
    found.push(...children);
    ids = children.map(({ pid }) => pid);
  }
  return found;
}

interface Hold {
  /** From now on whoever writes to that table while a step of that name is at work waits. */
  arm(node: string, table: Held): Promise<void>;
  /** Somebody waits. */
  isReached(): Promise<boolean>;
  release(): Promise<void>;
}

// Before the statement, so that it waits without a lock of its own: what else is to happen can. Of a step, its end alone is held.
const HOLDING = `CREATE TABLE test_held (node text, at text);
  CREATE FUNCTION test_hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (TG_TABLE_NAME <> 'step' OR current_query() LIKE '%ended AS (%') AND EXISTS (
      SELECT FROM test_held h JOIN step s ON s.node = h.node AND s.state = 'running' WHERE h.at = TG_TABLE_NAME)
    THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
    RETURN NULL; END $$;
  CREATE TRIGGER test_hold BEFORE UPDATE ON step FOR EACH STATEMENT EXECUTE FUNCTION test_hold();
  CREATE TRIGGER test_hold BEFORE INSERT ON cas_blob FOR EACH STATEMENT EXECUTE FUNCTION test_hold();
  CREATE TRIGGER test_hold BEFORE INSERT ON analysis_result FOR EACH STATEMENT EXECUTE FUNCTION test_hold();`;
const WAITING = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

async function holds(pool: pg.Pool): Promise<Hold> {
  await pool.query(HOLDING);
  let holder: pg.PoolClient | undefined;
  return {
    async arm(node, table) {
      holder = await pool.connect();
      await holder.query('SELECT pg_advisory_lock(4711)');
      await pool.query('INSERT INTO test_held VALUES ($1, $2)', [node, table]);
    },
    isReached: async () => ((await pool.query(WAITING)).rowCount ?? 0) > 0,
    async release() {
      await pool.query('DELETE FROM test_held');
      await holder?.query('SELECT pg_advisory_unlock(4711)');
      holder?.release();
      holder = undefined;
    },
  };
}

/** Plans one step for everything; never answers where the intent says so. */
function planner(): IntentService {
  const never = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      calls.add('never');
      signal.addEventListener('abort', () => {
        calls.delete('never');
        reject(signal.reason as Error);
      });
    });
  const nothing = { entities: {}, parameters: {}, risks: [], steps: [], schedules: [], questions: [] };
  return {
    analyse: ({ intent }, { signal }) =>
      intent === 'never'
        ? never(signal)
        : Promise.resolve({
            ...nothing,
            ...{
              kind: 'transform',
              confidence: 1,
              needs_clarification: false,
              engine: 'rules',
              explanation: '',
            },
          } as IntentAnalysis),
    plan: ({ intent }, _analysis, { signal }) => {
      if (intent === 'never planned') return never(signal);
      const nodes = { a: intent === 'wait' ? wait(600) : transform(1) };
      return Promise.resolve({ definition: { schema_version: 1, name: 'planned', nodes } as never });
    },
  };
}

interface Mute {
  server: Server;
  port: number;
  sockets: Set<Socket>;
}

/** Takes connections and never says a word. */
async function muteServer(): Promise<Mute> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port, sockets };
}
