import path from 'node:path';
import { serviceProcess } from '../../../src/clients/deployers/service-process.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { portBelow, webApplication, type WebApplication } from '../../support/web-application.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const PROJECT = '00000000-0000-7000-8000-000000000001';

let product: Product;
let app: WebApplication;
const ports: Record<string, number> = {};

interface Result {
  released: boolean;
  already_live: boolean;
  release_id: string;
  digest: string;
  environments: { environment: string; release_id: string; state: string }[];
  rolled_back: boolean;
  evidence_ref: string;
  summary: string;
}

beforeAll(async () => {
  app = webApplication();
  product = await startProduct({
    code: true,
    env: { ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: app.root },
  });
});
afterAll(async () => {
  for (const environment of Object.keys(ports)) await stopServing(environment);
  await stopSoundly(product);
  app.remove();
});

/** An environment that serves what is deployed to it; answers the port. */
async function environment(name: string, more: object = {}): Promise<number> {
  const port = (ports[name] ??= await portBelow());
  const { status, body } = await product.call('PUT', `/projects/${PROJECT}/environments/${name}`, {
    deployer: 'release_directory',
    settings: {
      start: ['node', 'server.js'],
      health: { url: `http://127.0.0.1:${port}/health` },
      stop_ms: 2_000,
    },
    variables: { PORT: String(port), PATH: process.env.PATH },
    checks: [
      {
        type: 'http',
        url: `http://127.0.0.1:${port}/greet?name=Ada`,
        contains: 'Hello, Ada!',
        timeout_seconds: 2,
      },
    ],
    ...more,
  });
  expect([status, body]).toMatchObject([201, { name }]);
  return port;
}

function stopServing(name: string): Promise<void> {
  return serviceProcess(path.join(product.config.deployments.directory, PROJECT, name, 'run')).stop(0);
}

async function begin(input: object): Promise<string> {
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
    type: 'deployment',
    input: { kind: 'application', repository: app.directory, ...input },
  });
  expect([status, body]).toMatchObject([202, { type: 'deployment' }]);
  return body.id;
}
async function deploy(input: object) {
  const run = await product.ended(await begin(input));
  return { run, result: run.output as Result };
}
const served = async (port: number, at = '/greet?name=Ada') =>
  (await fetch(`http://127.0.0.1:${port}${at}`)).text();
const states = async (id: string) =>
  Object.fromEntries((await product.steps(id)).map(({ node, state }) => [node, state]));

const CHANGED = { 'src/greeting.js': 'export const greeting = (name) => `Hello, ${name}! How are you?`;\n' };
/** Every test passes, and the server answers with nonsense. */
const BROKEN = { 'src/greeting.js': "export const greeting = () => 'Hello, ' + undefined.name;\n" };

test('builds, tests, stages, smokes and releases a server that is really served', async () => {
  const staged = await environment('web-staging');
  const port = await environment('web', { staging: 'web-staging' });
  const { run, result } = await deploy({ environment: 'web' });
  expect(run).toMatchObject({ state: 'completed', error: null });
  expect(result).toMatchObject({
    released: true,
    already_live: false,
    rolled_back: false,
    digest: expect.stringMatching(/^sha256:/) as string,
    environments: [
      { environment: 'web-staging', state: 'live' },
      { environment: 'web', state: 'live' },
    ],
  });
  expect(await served(port)).toBe('Hello, Ada!\n');
  expect(await served(port, '/health')).toBe(`ok ${result.release_id}\n`);
  expect(await served(staged)).toBe('Hello, Ada!\n');
  expect(await states(run.id)).toEqual({
    ValidateDeployment: 'succeeded',
    BuildArtifacts: 'succeeded',
    RunTests: 'succeeded',
    DeployToStaging: 'succeeded',
    SmokeRuns: 'succeeded',
    RunSmokeTests: 'succeeded',
    Approval: 'skipped',
    DeployToProduction: 'succeeded',
    HealthCheck: 'succeeded',
    UndoDeployment: 'skipped',
    ConcludeDeployment: 'succeeded',
  });
  const again = await deploy({ environment: 'web' });
  expect(again.result).toMatchObject({ released: true, already_live: true, release_id: result.release_id });
  expect(again.result.summary).toMatch(/already: nothing was done/);
});

test('a release that answers wrongly is found by the smoke tests, and never gets further than staging', async () => {
  const before = await served(ports.web!);
  app.commit(BROKEN);
  const { run, result } = await deploy({ environment: 'web' });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'smoke_failed', step: 'RunSmokeTests' } });
  expect(result).toMatchObject({
    released: false,
    rolled_back: true,
    environments: [{ environment: 'web-staging', state: 'undone' }],
  });
  expect(await served(ports.web!)).toBe(before);
  expect(await served(ports['web-staging']!)).toBe(before);
});

test('a release that breaks where it counts is rolled back, and what was seen is kept', async () => {
  const before = await served(ports.web!);
  const { run, result } = await deploy({ environment: 'web', deploy_to_staging: false });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'unhealthy', step: 'HealthCheck' } });
  expect(result).toMatchObject({
    released: false,
    rolled_back: true,
    environments: [{ environment: 'web', state: 'undone' }],
  });
  expect(await served(ports.web!)).toBe(before);
  const evidence = await product.call<{ steps: { step: string; output: unknown }[] }>(
    'GET',
    `/blobs/${result.evidence_ref}`,
  );
  expect(evidence.body.steps.find(({ step }) => step === 'HealthCheck')?.output).toMatchObject({
    passed: false,
  });
  expect(evidence.body.steps.find(({ step }) => step === 'UndoDeployment')?.output).toMatchObject({
    undone: [{ environment: 'web', changed: true }],
  });
});

test('tests that fail stop it before anything is touched', async () => {
  app.commit({ ...CHANGED, 'greeting.test.sh': 'echo wrong >&2; exit 3\n' });
  const { run, result } = await deploy({ environment: 'web' });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'tests_failed', step: 'RunTests' } });
  expect(result).toMatchObject({ released: false, rolled_back: false, environments: [] });
  const tests = (await product.steps(run.id)).find(({ node }) => node === 'RunTests');
  expect(tests?.output).toMatchObject({ passed: false, exit_code: 3, stderr: 'wrong\n' });
});

test('one call goes back to an earlier release, whatever came after it', async () => {
  const first = await product.call<{ items: { id: string; state: string }[] }>(
    'GET',
    `/projects/${PROJECT}/environments/web/releases`,
  );
  const good = first.body.items.find(({ state }) => state === 'live')!;
  app.commit({ ...CHANGED, 'greeting.test.sh': 'exit 0\n' });
  const next = await deploy({ environment: 'web' });
  expect(next.run.state).toBe('completed');
  expect(await served(ports.web!)).toBe('Hello, Ada! How are you?\n');
  const asked = await product.call<{ id: string }>('POST', `/projects/${PROJECT}/environments/web/rollback`, {
    release_id: good.id,
  });
  expect(asked.status).toBe(202);
  const back = await product.ended(asked.body.id);
  expect(back).toMatchObject({ state: 'completed', output: { released: true } });
  expect(await served(ports.web!)).toBe('Hello, Ada!\n');
});

test('two at once take turns, and the second has nothing left to do', async () => {
  app.commit({ 'src/greeting.js': 'export const greeting = (name) => `Hello, ${name}! Again.`;\n' });
  const ids = await Promise.all([begin({ environment: 'web' }), begin({ environment: 'web' })]);
  const runs = await Promise.all(ids.map((id) => product.ended(id)));
  expect(runs.map(({ state }) => state)).toEqual(['completed', 'completed']);
  const results = runs.map(({ output }) => output as Result);
  expect(results.map(({ released }) => released)).toEqual([true, true]);
  expect(results.map(({ already_live }) => already_live).sort()).toEqual([false, true]);
  expect(await served(ports.web!)).toBe('Hello, Ada! Again.\n');
});

test('waits for whoever has to agree, and a rejection takes staging back', async () => {
  const port = await environment('guarded', { staging: 'web-staging', approval: { quorum: 1 } });
  const before = await served(ports['web-staging']!);
  app.commit({ 'src/greeting.js': 'export const greeting = (name) => `Hello, ${name}! Anew.`;\n' });
  const id = await begin({ environment: 'guarded' });
  await eventually(async () => (await states(id)).Approval === 'waiting' || undefined);
  expect(await served(ports['web-staging']!)).toBe('Hello, Ada! Anew.\n');
  const waiting = (await product.events(id)).find(
    ({ type, data }) => type === 'step.waiting' && data.node === 'Approval',
  );
  expect(waiting?.data.prompt).toMatch(/^Deploy .* \(sha256:[0-9a-f]{64}\) to guarded\?$/);
  const decided = await product.call('POST', `/runs/${id}/approvals/Approval`, { decision: 'reject' });
  expect(decided.status).toBe(202);
  const run = await product.ended(id);
  expect(run).toMatchObject({ state: 'failed', output: { released: false, rolled_back: true } });
  expect(await served(ports['web-staging']!)).toBe(before);
  await expect(served(port)).rejects.toThrow();
});
