import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { BUILTIN_DEFINITIONS } from '../../src/domain/builtins/definitions.ts';
import { eventually } from '../support/eventually.ts';
import { LIMIT_MS } from '../support/faults.ts';
import { ownProcess, type OwnProcess, type Program } from '../support/own-process.ts';
import { plantedRepository, type PlantedRepository } from '../support/planted-repository.ts';
import { startProduct, type Product } from '../support/product.ts';
import { sharedBundles } from '../support/shared-bundles.ts';
import { testTemporal } from '../support/stack.ts';
import { stopSoundly } from '../support/stop-soundly.ts';

/** Each run is killed in one step: that is done, and not recorded. */
const STEPS = {
  code_execution: [
    ...['SelectAgent', 'PrepareEnvironment', 'ExecuteCode', 'ProcessResults', 'CleanupEnvironment'],
  ],
  code_analysis: [
    ...['FetchCode', 'RunStaticAnalysis', 'RunSecurityAnalysis', 'RunPerformanceAnalysis', 'GenerateReport'],
  ],
  // RunAIReview has no model here: it is skipped.
  code_review: ['FetchChanges', 'RunAutomatedChecks', 'GenerateSummary', 'PostComments'],
  intent_processing: ['AnalyzeIntent', 'CreateExecutionPlan', 'AggregateResults'],
} as const;
type Type = keyof typeof STEPS;
/** The tests of every day have one workflow; `npm run faults` has all. */
const KILLED = (Object.keys(STEPS) as Type[]).filter(
  (type) => type === 'code_analysis' || process.env.ORCHESTRATOR_FAULTS !== undefined,
);

/** Without it Temporal would wait for minutes for a worker that is dead. */
const HEARTBEAT_SECONDS = 3;

// Whoever is to be killed waits: at the end of the step that the run's label names, and before it keeps a file it has fetched.
const HOLDING = `CREATE FUNCTION test_hold_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('application_name') = 'doomed' AND NEW.state <> 'running'
      AND NEW.node = (SELECT labels->>'held' FROM run WHERE id = NEW.run_id)
    THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
    RETURN NEW; END $$;
  CREATE FUNCTION test_hold_blob() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('application_name') = 'doomed' AND EXISTS (SELECT FROM step s JOIN run r ON r.id = s.run_id
      WHERE r.labels->>'held' = 'workspace' AND s.state = 'running' AND s.node IN ('FetchCode', 'FetchChanges'))
    THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
    RETURN NULL; END $$;
  CREATE TRIGGER test_hold BEFORE UPDATE ON step FOR EACH ROW EXECUTE FUNCTION test_hold_end();
  CREATE TRIGGER test_hold BEFORE INSERT ON cas_blob FOR EACH STATEMENT EXECUTE FUNCTION test_hold_blob();`;
const HERE = 'database = (SELECT oid FROM pg_database WHERE datname = current_database())';
const WAITING = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted AND ${HERE}`;
/** PostgreSQL learns only later that nobody is there any more. */
const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = 'doomed' AND datname = current_database()`;

let product: Product;
let shop: PlantedRepository;
let home: string;
/** Its lock is what the doomed wait for. */
let holder: pg.PoolClient;
const made: OwnProcess[] = [];

beforeAll(async () => {
  for (const { nodes } of Object.values(BUILTIN_DEFINITIONS))
    for (const node of Object.values(nodes))
      if (node.type === 'builtin') node.heartbeat_seconds = HEARTBEAT_SECONDS;
  shop = await plantedRepository();
  home = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-killed-'));
  product = await startProduct({ worker: false });
  await product.database.pool.query(HOLDING);
  holder = await product.database.pool.connect();
  await holder.query('SELECT pg_advisory_lock(4711)');
}, LIMIT_MS);
afterAll(async () => {
  holder.release(true);
  await Promise.all(made.map((one) => one.stop()));
  await stopSoundly(product);
  for (const directory of [home, shop.root]) await rm(directory, { recursive: true, force: true });
}, LIMIT_MS);

test(
  'workers that are killed in any step of a workflow of ours leave nothing behind, and others go on',
  async () => {
    const far = await muteServer();
    const doomed = await workers('doomed');
    const held: string[] = [];
    for (const type of KILLED) for (const node of STEPS[type]) held.push(await begin(type, node));
    const endless = await begin('code_execution', 'itself', {
      source: 'echo begun; sleep 600',
      limits: { wall_ms: 300_000 },
    });
    const begun = async () =>
      (await product.events(endless)).filter(({ type }) => type === 'step.log').length;
    await eventually(async () => (await waiting()) === held.length && (await begun()) === 1);
    const hanging = await begin('code_analysis', 'itself', {
      repository: `https://127.0.0.1:${far.port}/x.git`,
    });
    await eventually(() => far.sockets.size === 1, 30);
    for (const type of ['code_analysis', 'code_review'] as const) held.push(await begin(type, 'workspace'));
    const pids = doomed.map((one) => one.pid());
    // Each keeps several files at once.
    await eventually(async () => (await workspacesOf(pids)).length === 3 && (await waiting()) >= held.length);

    const orphans = await below(pids);
    expect(orphans.map(({ name }) => name)).toEqual(expect.arrayContaining(['bwrap', 'git', 'sleep']));
    await Promise.all(doomed.map((one) => one.kill()));
    await product.database.pool.query(CUT);

    await workers('next');
    await eventually(async () => (await begun()) === 2 && far.sockets.size > 0, 90);
    for (const id of [endless, hanging]) {
      await product.call('POST', `/runs/${id}/cancel`);
      expect(await product.ended(id)).toMatchObject({ state: 'cancelled' });
    }
    for (const id of held) {
      const run = await product.until(id, ({ ended_at }) => ended_at !== null, 180);
      expect(run).toMatchObject({ state: 'completed', error: null });
    }
    await eventually(async () => (await alive(orphans)).length === 0, 30);
    expect(await workspacesOf([...pids, ...made.map((one) => one.pid())])).toEqual([]);
    expect(await readdir(path.join(home, 'agent', 'environments')).catch(() => [])).toEqual([]);
    expect(far.sockets.size).toBe(0);
    far.close();
  },
  LIMIT_MS,
);

const waiting = async () => (await product.database.pool.query(WAITING)).rowCount ?? 0;

async function begin(type: Type, held: string, more: object = {}): Promise<string> {
  const inputs: Record<Type, object> = {
    code_execution: { language: 'bash', source: 'echo 1' },
    code_analysis: { repository: shop.directory },
    code_review: { repository: shop.directory, base: 'main', head: 'coupons' },
    intent_processing: { intent: 'Wait for 1 second.' },
  };
  const input = { ...inputs[type], ...more };
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
    type,
    input,
    labels: { held },
  });
  expect([status, body]).toMatchObject([202, { type }]);
  return body.id;
}

/** A worker and an agent whose connections have that name. */
async function workers(name: string): Promise<OwnProcess[]> {
  const started = (['worker', 'agent'] as const).map((program) =>
    ownProcess(program, settings(program, name)),
  );
  made.push(...started);
  await mkdir(path.join(home, 'agent'), { recursive: true });
  await Promise.all(started.map((one) => one.start()));
  return started;
}

const settings = (program: Program, name: string): Record<string, string> => ({
  PGAPPNAME: name,
  ORCHESTRATOR_AUTH_API_TOKEN: product.token,
  ORCHESTRATOR_DATABASE_URL: product.database_url,
  ORCHESTRATOR_DATABASE_MAX_OPEN_CONNS: '50',
  ORCHESTRATOR_TEMPORAL_HOST_PORT: testTemporal(),
  ORCHESTRATOR_TEMPORAL_TASK_QUEUE: product.config.temporal.task_queue,
  ORCHESTRATOR_DATA_DIR: program === 'worker' ? sharedBundles() : path.join(home, 'agent'),
  ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false',
  ORCHESTRATOR_SERVER_SHUTDOWN_GRACE_SECONDS: '3',
  ORCHESTRATOR_STORE_GC_INTERVAL_HOURS: '0',
  ORCHESTRATOR_STORE_FSCK_INTERVAL_HOURS: '0',
  ORCHESTRATOR_RUNS_RETENTION_INTERVAL_HOURS: '0',
  ORCHESTRATOR_TRIGGERS_RECONCILE_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_EXTERNAL_RUNS_HEALTH_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root,
  ORCHESTRATOR_REPOSITORIES_ALLOW_HOSTS: '127.0.0.1',
});

interface Process {
  pid: number;
  name: string;
  parent: number;
  /** In ticks since boot: another process with the same number began at another time. */
  started: number;
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const read = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    return { pid, name, is_dead: fields[0] === 'Z', parent: Number(fields[1]), started: Number(fields[19]) };
  });
  return (await Promise.all(read)).filter(({ is_dead, name }) => !is_dead && name !== '');
}

async function below(roots: number[]): Promise<Process[]> {
  const all = await processes();
  const found: Process[] = [];
  for (let ids = roots; ids.length > 0;) {
    const children = all.filter(({ parent }) => ids.includes(parent));
    found.push(...children);
    ids = children.map(({ pid }) => pid);
  }
  return found;
}

async function alive(wanted: Process[]): Promise<Process[]> {
  const all = await processes();
  return wanted.filter(({ pid, started }) => all.some((one) => one.pid === pid && one.started === started));
}

async function workspacesOf(pids: number[]): Promise<string[]> {
  const names = await readdir(os.tmpdir());
  return names.filter((name) => pids.some((pid) => name.startsWith(`orchestrator-git-${pid}-`)));
}

/** Takes connections and never says a word. */
async function muteServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets, close: () => void server.close() };
}
