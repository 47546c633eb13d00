import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { serveIntents } from '../../src/clients/intents/grpc-server.ts';
import type { BuiltinType } from '../../src/contract/builtins.ts';
import type { IntentAnalysis, IntentService } from '../../src/contract/intent.ts';
import { modelServer, type ModelServer } from '../intents/model-server.ts';
import { transform, wait } from '../support/definitions.ts';
import { eventually } from '../support/eventually.ts';
import { holdsAt, type HeldWrite, type Hold } from '../support/held-steps.ts';
import { processesBelow, temporaryOf, type Process } from '../support/left-behind.ts';
import { muteServer, type MuteServer } from '../support/mute-server.ts';
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
let mute: MuteServer;
let model: ModelServer;
let intents: { port: number; stop(options: { grace_ms: number }): Promise<void> };
/** Calls of the intent service that go on. */
const calls = new Set<string>();
/** What this process had below it before any run: the servers, where they are its own. */
let before: Set<number>;

beforeAll(async () => {
  mute = await muteServer();
  model = await modelServer();
  model.answer({ status: 200, body: null, never: true });
  intents = await serveIntents({ service: planner(), address: '127.0.0.1:0' });
  shop = await plantedRepository();
  product = await startProduct({ code: true, env: settings() });
  await product.database.pool.query('CREATE TABLE test_held (node text, at text)');
  hold = await holdsAt(product.database.pool, HELD);
  before = new Set((await processesBelow([process.pid])).map(({ pid }) => pid));
});
afterAll(async () => {
  await stopSoundly(product);
  await intents.stop({ grace_ms: 100 });
  await model.close();
  mute.close();
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
  if (held !== 'itself') await arm(node, held);
  try {
    const id = await begin(stop);
    await eventually(() => (held === 'itself' ? isWaiting(id, stop, asked) : isReached()), 30);
    for (const what of has) expect([what, (await left())[what]]).not.toEqual([what, []]);
    expect((await product.call('POST', `/runs/${id}/cancel`)).status).toBe(202);
    await product.until(id, ({ state }) => state === 'terminating' || state === 'cancelled');
    await release();
    expect(await product.ended(id)).toMatchObject({ state: 'cancelled' });
    const step = (await product.steps(id)).findLast((one) => one.node === node);
    // The work of one that is held at its end is done.
    const done = { itself: [], cas_blob: ['succeeded'], analysis_result: ['succeeded'], step: ['succeeded'] };
    expect(['cancelled', ...done[held]]).toContain(step?.state);
  } finally {
    await release();
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
  const kept = await readdir(data_dir);
  return {
    workspace: await temporaryOf([process.pid], 'git'),
    environment: [
      ...kept.filter((name) => name.startsWith('run-')),
      ...(await readdir(path.join(data_dir, 'environments')).catch(() => [])),
    ],
    process: await processesBelow([process.pid], before),
  };
}

// Whoever writes there while a step that is named is at work waits. Of a step, its end alone is held.
const HELD = (['step', 'cas_blob', 'analysis_result'] as const).map((table): HeldWrite => {
  const is_named = `EXISTS (SELECT FROM test_held h JOIN step s ON s.node = h.node AND s.state = 'running' WHERE h.at = '${table}')`;
  return table === 'step'
    ? {
        write: 'UPDATE',
        table,
        each: 'STATEMENT',
        when: `current_query() LIKE '%ended AS (%' AND ${is_named}`,
      }
    : { write: 'INSERT', table, each: 'STATEMENT', when: is_named };
});

async function arm(node: string, table: Held): Promise<void> {
  await hold.close();
  await product.database.pool.query('INSERT INTO test_held VALUES ($1, $2)', [node, table]);
}

/** Somebody waits. */
const isReached = async () => (await hold.waiting()) > 0;

async function release(): Promise<void> {
  await product.database.pool.query('DELETE FROM test_held');
  await hold.open();
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
