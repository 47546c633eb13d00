import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { serviceProcess } from '../../../src/clients/deployers/service-process.ts';
import { AMPLE } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { temporaryOf } from '../../support/left-behind.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { portBelow, webApplication, type WebApplication } from '../../support/web-application.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const PROJECT = '00000000-0000-7000-8000-000000000001';
const ENVIRONMENTS = `/projects/${PROJECT}/environments`;
/** Found again among the processes of this machine. */
const SLEEP = `sleep 86${process.pid}`;

let product: Product;
let app: WebApplication;
const ports: Record<string, number> = {};

beforeAll(async () => {
  app = webApplication();
  for (const name of ['proving', 'live']) ports[name] = await portBelow();
  product = await startProduct({
    code: true,
    env: { ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: app.root },
  });
  await setUp();
  await product.ended(await begin({}));
  for (const name of ['proving', 'live']) expect(await served(name)).toBe('Hello, Ada!\n');
  app.commit({ 'src/greeting.js': 'export const greeting = (name) => `Hello, ${name}! Anew.`;\n' });
});
afterAll(async () => {
  const { directory } = product.config.deployments;
  for (const name of ['proving', 'live'])
    await serviceProcess(path.join(directory, PROJECT, name, 'run')).stop(0);
  await stopSoundly(product);
  app.remove();
});

/** How the two environments are, but for what makes a step hang. */
async function setUp(
  more: { proving?: object; live?: object } = {},
  health: { proving?: string; live?: string } = {},
): Promise<void> {
  for (const name of ['proving', 'live'] as const) {
    const url = `http://127.0.0.1:${ports[name]}`;
    const { status } = await product.call('PUT', `${ENVIRONMENTS}/${name}`, {
      deployer: 'release_directory',
      settings: {
        start: ['node', 'server.js'],
        health: { url: `${url}${health[name] ?? '/health'}`, wait_ms: 600_000 },
        stop_ms: 2_000,
      },
      variables: { PORT: String(ports[name]), PATH: process.env.PATH },
      staging: name === 'live' ? 'proving' : null,
      ...more[name],
    });
    expect([200, 201]).toContain(status);
  }
}

async function begin(input: object): Promise<string> {
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
    type: 'deployment',
    input: { kind: 'application', repository: app.directory, environment: 'live', ...input },
  });
  expect(status).toBe(202);
  return body.id;
}
const served = async (name: string) => (await fetch(`http://127.0.0.1:${ports[name]}/greet?name=Ada`)).text();
const stateOf = async (id: string, step: string) =>
  (await product.steps(id)).find(({ node }) => node === step)?.state;
const hanging = { language: 'bash', source: `${SLEEP}\n`, limits: AMPLE };
const never = (name: string) => ({
  checks: [{ type: 'http', url: `http://127.0.0.1:${ports[name]}/never`, timeout_seconds: 60 }],
});

interface Case {
  input?: object;
  more?: () => { proving?: object; live?: object };
  health?: { proving?: string; live?: string };
  /** How many places were reached, and left again. */
  reached: number;
}

test.each<[string, Case]>([
  ['BuildArtifacts', { input: { build: hanging }, reached: 0 }],
  ['RunTests', { input: { test: hanging }, reached: 0 }],
  ['DeployToStaging', { health: { proving: '/never' }, reached: 1 }],
  ['RunSmokeTests', { more: () => ({ proving: never('proving') }), reached: 1 }],
  ['Approval', { more: () => ({ live: { approval: {} } }), reached: 1 }],
  ['DeployToProduction', { health: { live: '/never' }, reached: 2 }],
  ['HealthCheck', { input: { watch_seconds: 600 }, reached: 2 }],
])(
  'a cancel in %s leaves everything as it was, and nothing behind',
  async (step, { input, more, health, reached }) => {
    await setUp(more?.(), health);
    const id = await begin(input ?? {});
    const wanted = step === 'Approval' ? 'waiting' : 'running';
    await eventually(async () => (await stateOf(id, step)) === wanted || undefined);
    if (input && Object.values(input).includes(hanging))
      await eventually(() => Promise.resolve(sleeping() || undefined));
    expect((await product.call('POST', `/runs/${id}/cancel`, {})).status).toBe(202);
    const run = await product.ended(id);
    expect(run).toMatchObject({ state: 'cancelled', output: { released: false, rolled_back: reached > 0 } });
    const { environments } = run.output as { environments: { state: string }[] };
    expect(environments.map(({ state }) => ['undone', 'failed'].includes(state))).toEqual(
      Array.from({ length: reached }, () => true),
    );
    for (const name of ['proving', 'live'])
      expect(await eventually(() => served(name).catch(() => undefined))).toBe('Hello, Ada!\n');
    expect(sleeping()).toBe(false);
    expect(await temporaryOf([process.pid], 'artifact')).toEqual([]);
    await setUp();
    const next = await product.call<{ id: string }>('POST', `${ENVIRONMENTS}/live/rollback`, {
      release_id: await liveRelease(),
    });
    expect((await product.ended(next.body.id)).output).toMatchObject({ already_live: true });
  },
);

/** Whether the program of a build or a test goes on. */
function sleeping(): boolean {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n').includes(SLEEP);
}

async function liveRelease(): Promise<string> {
  const { body } = await product.call<{ items: { id: string; state: string }[] }>(
    'GET',
    `${ENVIRONMENTS}/live/releases`,
  );
  return body.items.find(({ state }) => state === 'live')!.id;
}
