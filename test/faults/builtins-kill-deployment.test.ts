import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { definition, transform } from '../support/definitions.ts';
import { END_OF_STEP, type Fleet, fleetOf, hurryHeartbeats, IS_DOOMED } from '../support/doomed.ts';
import { eventually } from '../support/eventually.ts';
import { each, LIMIT_MS } from '../support/faults.ts';
import { gateServer, type GateServer } from '../support/gate-server.ts';
import { holdsAt, type HeldWrite, type Hold } from '../support/held-steps.ts';
import { alive, processesBelow, temporaryOf } from '../support/left-behind.ts';
import { halfDone, serviceGroups, stopServices } from '../support/placed-releases.ts';
import { startProduct, type Product } from '../support/product.ts';
import { stopSoundly } from '../support/stop-soundly.ts';
import { portBelow, webApplication, type WebApplication } from '../support/web-application.ts';
import { CASES, CHECKED, isProgram, type Killed, PROGRAMS, sleepOf } from './deployment-kill-cases.ts';

/** The tests of every day have one; `npm run faults` has all. */
const KILLED = (process.env.ORCHESTRATOR_FAULTS === undefined ? CASES.slice(0, 1) : CASES).map((one, n) => ({
  ...one,
  proving: `proving-${n}`,
  live: `live-${n}`,
}));
type Case = (typeof KILLED)[number];
const APPLICATIONS = KILLED.filter(({ kind }) => kind === undefined);

/** So many deployments at once let each other live. */
const TOGETHER = 4;
/** A worker that has all of them may be silent for longer. */
const HEARTBEAT_SECONDS = KILLED.length > 1 ? 10 : 3;
const PROJECT = '00000000-0000-7000-8000-000000000001';

/** A release is at its place, or taken back from there, and its row is about to say so. */
const CHANGED: HeldWrite = {
  write: 'UPDATE',
  table: 'release',
  each: 'ROW',
  when: `${IS_DOOMED} AND NEW.state <> OLD.state AND EXISTS (SELECT FROM run r WHERE r.id = NEW.run_id
    AND r.labels->>'held' = NEW.state) AND EXISTS (SELECT FROM environment e WHERE e.id = NEW.environment_id AND e.staging IS NOT NULL)`,
};

let product: Product;
let app: WebApplication;
let fleet: Fleet;
let hold: Hold;
let gate: GateServer;
/** Paths that are never answered, paths that are answered wrongly, and what is never answered any more after that. */
const silent = new Set<string>();
const wrong = new Map<string, string | null>();
const ports: Record<string, number> = {};
/** A file without which commands of checks hang. */
const goes = () => path.join(fleet.home, 'go');
const placed = () => path.join(fleet.home, 'deployments', PROJECT);
const names = APPLICATIONS.flatMap(({ proving, live }) => [proving, live]);

beforeAll(async () => {
  app = webApplication();
  product = await startProduct({ worker: false });
  fleet = await fleetOf(product, {
    ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: app.root,
    ORCHESTRATOR_WORKER_MAX_CONCURRENT_CODE_TASKS: '10',
  });
  hold = await holdsAt(product.database.pool, [END_OF_STEP, CHANGED]);
  gate = await gateServer((asked) => {
    if (silent.has(asked)) return null;
    const then = wrong.get(asked);
    if (then) silent.add(then);
    return then === undefined ? 200 : 500;
  });
}, LIMIT_MS);
afterAll(async () => {
  // Whoever is held would go on, and start services again.
  await fleet.kill();
  await hold.open();
  await stopServices(placed(), names);
  await fleet.stop();
  await stopSoundly(product);
  await gate.close();
  app.remove();
}, LIMIT_MS);

test(
  'a worker that is killed in any step of a deployment leaves one release live, and nothing half done',
  async () => {
    await fleet.start('doomed');
    await writeFile(goes(), '');
    for (const one of KILLED) await setUp(one);
    await saveVersions(1);
    const output = { released: true };
    await each(KILLED, TOGETHER, async (one) =>
      expect(await product.ended(await begin(one))).toMatchObject({ state: 'completed', output }),
    );
    const before = await Promise.all(KILLED.map(served));
    expect(await halfDone(product.database.pool, placed())).toEqual([]);

    app.commit({ 'src/greeting.js': 'export const greeting = (name) => `Hello, ${name}! Anew.`;\n' });
    await saveVersions(2);
    await hold.close();
    await rm(goes());
    for (const one of KILLED) spoil(one);
    hurryHeartbeats(HEARTBEAT_SECONDS);
    const ids: string[] = [];
    for (const [n, one] of KILLED.entries()) {
      ids.push(await begin(one, one.held));
      await eventually(() => isReached(one, { id: ids[n]!, n }));
    }
    const pids = [...fleet.pids()];
    expect(await temporaryOf(pids, 'artifact')).not.toEqual([]);
    const orphans = await processesBelow(pids);

    await fleet.kill();
    silent.clear();
    for (const asked of wrong.keys()) wrong.set(asked, null);
    await writeFile(goes(), '');
    await fleet.start('next');
    for (const [n, one] of KILLED.entries()) await ends(one, ids[n]!);

    expect(await halfDone(product.database.pool, placed())).toEqual([]);
    const after = await Promise.all(KILLED.map(served));
    for (const [n, one] of KILLED.entries())
      expect([one, after[n] === before[n]]).toEqual([one, one.is_bad === true || isProgram(one)]);
    expect(await temporaryOf(fleet.pids(), 'artifact')).toEqual([]);
    expect(await temporaryOf(fleet.pids(), 'git')).toEqual([]);
    const services = await serviceGroups(placed(), names);
    await eventually(async () => {
      const left = (await alive(orphans)).filter(({ group }) => !services.includes(group));
      return left.length === 0;
    }, 30);
  },
  LIMIT_MS,
);

/** Two environments, both of which are asked at the gate whether they are well. */
async function setUp({ node, held, kind, proving, live }: Case): Promise<void> {
  const port = (ports[live] = await portBelow());
  const health = (name: string) => ({ url: `${gate.url}/health/${name}`, wait_ms: 600_000 });
  const command = { type: 'command', argv: ['sh', '-c', `test -e ${goes()} || exec ${sleepOf(live)}`] };
  const checks = (name: string) => [
    { type: 'http', url: `${gate.url}/check/${name}`, timeout_seconds: 1 },
    ...(held === 'itself' && CHECKED[node] === name.split('-')[0]
      ? [{ ...command, timeout_seconds: 600 }]
      : []),
  ];
  const environments: Record<string, object> =
    kind === 'workflow'
      ? {
          [proving]: { deployer: 'tag' },
          [live]: { deployer: 'tag', staging: proving, checks: checks(live) },
        }
      : {
          [proving]: {
            deployer: 'release_directory',
            settings: { health: health(proving) },
            checks: checks(proving),
          },
          [live]: {
            deployer: 'release_directory',
            settings: { start: ['node', 'server.js'], health: health(live), stop_ms: 2_000 },
            variables: { PORT: String(port), PATH: process.env.PATH },
            checks: checks(live),
            staging: proving,
          },
        };
  for (const [name, body] of Object.entries(environments)) {
    const answer = await product.call('PUT', `/projects/${PROJECT}/environments/${name}`, body);
    expect([answer.status, answer.body]).toMatchObject([201, { name }]);
  }
}

async function saveVersions(version: number): Promise<void> {
  for (const { kind, live } of KILLED)
    if (kind === 'workflow') await product.publish(live, definition(live, { a: transform(version) }));
}

/** What is to hang hangs from now on, and what is not to work does not. */
function spoil({ node, held, is_bad, proving, live }: Case): void {
  const is_amid = held === 'itself';
  if (is_bad) wrong.set(`/check/${live}`, is_amid ? `/health/${live}` : null);
  else if (is_amid && node === 'DeployToProduction') silent.add(`/health/${live}`);
  else if (is_amid && node === 'DeployToStaging') silent.add(`/health/${proving}`);
}

async function begin({ kind, node, live }: Case, held?: Killed['held']): Promise<string> {
  const programs = held === 'itself' ? PROGRAMS[node] : undefined;
  const of =
    kind === 'workflow' ? { kind, workflow: live } : { kind: 'application', repository: app.directory };
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
    type: 'deployment',
    input: { ...of, environment: live, ...programs },
    labels: held === undefined ? {} : { held: held === 'end' ? node : held },
  });
  expect([status, body]).toMatchObject([202, { type: 'deployment' }]);
  return body.id;
}

/** Whether what is to hang has come to where it hangs. */
async function isReached(
  { node, held, live, proving }: Case,
  { id, n }: { id: string; n: number },
): Promise<boolean> {
  const before = KILLED.slice(0, n).filter((one) => one.held !== 'itself');
  if (held !== 'itself') return (await hold.waiting()) > before.length;
  if (node in PROGRAMS) return (await begun(id)) === 1;
  if (node in CHECKED)
    return (await processesBelow(fleet.pids())).some(({ command }) => command === `${sleepOf(live)} `);
  const places = [`/health/${proving}`, `/health/${live}`];
  return gate.waiting().some((asked) => places.includes(asked));
}

const begun = async (id: string) =>
  (await product.events(id)).filter(({ type }) => type === 'step.log').length;

/** The run goes on with another worker, and ends as it would have. */
async function ends(one: Case, id: string): Promise<void> {
  if (isProgram(one)) {
    await eventually(async () => (await begun(id)) === 2);
    await product.call('POST', `/runs/${id}/cancel`);
    expect(await product.ended(id)).toMatchObject({ state: 'cancelled', output: { released: false } });
    return;
  }
  const run = await product.until(id, ({ ended_at }) => ended_at !== null, 180);
  const output = { released: !one.is_bad, rolled_back: one.is_bad === true };
  expect([one, run]).toMatchObject([one, { state: one.is_bad ? 'failed' : 'completed', output }]);
}

/** What is live: what the service answers, or where the tag points. */
async function served({ kind, live }: Case): Promise<string> {
  if (kind === 'workflow')
    return (await product.call<{ target_hash: string }>('GET', `/tags/${live}%2F${live}`)).body.target_hash;
  const ask = () => fetch(`http://127.0.0.1:${ports[live]}/greet?name=Ada`).catch(() => undefined);
  return (await eventually(ask)).text();
}
