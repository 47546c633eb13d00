import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { releaseDirectoryDeployer } from '../../src/clients/deployers/release-directory.ts';
import { releaseStore } from '../../src/clients/deployers/release-store.ts';
import { serviceProcess } from '../../src/clients/deployers/service-process.ts';
import type { DeployEnvironment } from '../../src/contract/deployer.ts';
import type { Json } from '../../src/contract/json.ts';
import { eventually } from '../support/eventually.ts';
import { artifactAt, digestOf, freePort, localFetch, scratch } from './support.ts';

const root = scratch();
const base_directory = path.join(root, 'deployed');
const fetch = localFetch();
const deployer = releaseDirectoryDeployer({ base_directory, fetch });
let port: number;
beforeAll(async () => void (port = await freePort()));
afterEach(async () => {
  for (const name of readdirSync(base_directory)) {
    await serviceProcess(path.join(base_directory, name, 'run')).stop(2_000);
  }
});

/** A web server that says which release it is. */
const SERVER = (text: string) => `
const { createServer } = require('node:http');
if (process.env.CRASH) process.exit(3);
createServer((request, response) => response.writeHead(${text === 'broken' ? 500 : 200}).end('${text} ' + process.env.GREETING))
  .listen(Number(process.env.PORT), '127.0.0.1');
console.log('listening with ' + process.env.GREETING);
`;
const one = artifactAt(path.join(root, 'one'), { 'server.cjs': SERVER('one'), 'public/a.txt': 'A' });
const two = artifactAt(path.join(root, 'two'), { 'server.cjs': SERVER('two') });
const broken = artifactAt(path.join(root, 'broken'), { 'server.cjs': SERVER('broken') });

function environment(name: string, more: Record<string, Json> = {}, variables: Record<string, string> = {}) {
  return {
    name,
    settings: {
      start: [process.execPath, 'server.cjs'],
      health: { url: `http://127.0.0.1:${port}/`, wait_ms: 10_000 },
      stop_ms: 2_000,
      ...more,
    },
    variables: { PORT: String(port), GREETING: 'hello-secret', ...variables },
  } satisfies DeployEnvironment;
}

const static_site = (name: string, more: Record<string, Json> = {}): DeployEnvironment => ({
  name,
  settings: more,
  variables: {},
});
const liveIn = (name: string) => readlinkSync(path.join(base_directory, name, 'current'));
async function answer(): Promise<string> {
  const { body } = await fetch(
    { method: 'GET', url: `http://127.0.0.1:${port}/` },
    { signal: AbortSignal.timeout(30_000) },
  );
  return Buffer.from(body).toString();
}

test('a web server is served, replaced by the next release, and rolled back', async () => {
  const staging = environment('staging');
  const first = await deployer.deploy({ ...one, release_id: 'r1', environment: staging });
  expect(first).toMatchObject({
    changed: true,
    previous: null,
    current: { release_id: 'r1', digest: one.digest },
  });
  expect(first.evidence).toMatchObject({
    health: { healthy: true, status: 200, detail: 'one hello-secret' },
  });
  expect(first.evidence.log_tail).toContain('listening with ***');
  expect(await answer()).toBe('one hello-secret');

  const second = await deployer.deploy({ ...two, release_id: 'r2', environment: staging });
  expect(second).toMatchObject({
    changed: true,
    previous: { release_id: 'r1' },
    current: { release_id: 'r2' },
  });
  expect(await answer()).toBe('two hello-secret');
  expect(await deployer.status({ environment: staging })).toMatchObject({
    current: { release_id: 'r2' },
    healthy: true,
  });

  const back = await deployer.rollback({ to: 'r1', environment: staging });
  expect(back).toMatchObject({
    changed: true,
    previous: { release_id: 'r2' },
    current: { release_id: 'r1' },
  });
  expect(await answer()).toBe('one hello-secret');
  const releases = await deployer.releases({ environment: staging });
  expect(releases.map(({ release_id }) => release_id)).toEqual(['r1', 'r2']);
});

test('deploying what is live does nothing and says so; other variables restart it', async () => {
  const staging = environment('again');
  await deployer.deploy({ ...one, release_id: 'r1', environment: staging });
  const pid = readFileSync(path.join(base_directory, 'again/run/pid'), 'utf8');
  for (const release_id of ['r1', 'r9']) {
    const outcome = await deployer.deploy({ ...one, release_id, environment: staging });
    expect(outcome).toMatchObject({
      changed: false,
      current: { release_id: 'r1' },
      evidence: { noop: true },
    });
  }
  expect(readFileSync(path.join(base_directory, 'again/run/pid'), 'utf8')).toBe(pid);
  const changed = environment('again', {}, { GREETING: 'good day' });
  expect(await deployer.deploy({ ...one, release_id: 'r1', environment: changed })).toMatchObject({
    changed: true,
  });
  expect(await answer()).toBe('one good day');
});

test('a release that does not answer rightly is undone, and the failure holds what was seen', async () => {
  const staging = environment('undone', {
    health: { url: `http://127.0.0.1:${port}/?key=k`, wait_ms: 1_500 },
  });
  await deployer.deploy({ ...one, release_id: 'r1', environment: staging });
  await expect(deployer.deploy({ ...broken, release_id: 'bad', environment: staging })).rejects.toMatchObject(
    {
      code: 'unhealthy',
      evidence: { health: { healthy: false, status: 500, url: `http://127.0.0.1:${port}/` } },
    },
  );
  expect(liveIn('undone')).toBe('releases/r1');
  await eventually(async () => (await answer().catch(() => '')) === 'one hello-secret' || undefined);
});

test('a first release that fails leaves nothing live and nothing running', async () => {
  const staging = environment('first', { health: { url: `http://127.0.0.1:${port}/`, wait_ms: 500 } });
  await expect(deployer.deploy({ ...broken, release_id: 'bad', environment: staging })).rejects.toMatchObject(
    { code: 'unhealthy' },
  );
  expect(existsSync(path.join(base_directory, 'first/current'))).toBe(false);
  expect(await deployer.status({ environment: staging })).toMatchObject({ current: null });
  await expect(answer()).rejects.toMatchObject({ code: 'connection_failed' });
});

test('an aborted deployment is undone', async () => {
  const staging = environment('aborted', { health: { url: `http://127.0.0.1:${port}/`, wait_ms: 60_000 } });
  await deployer.deploy({ ...one, release_id: 'r1', environment: staging });
  const controller = new AbortController();
  const reason = new Error('enough');
  const deploying = deployer.deploy({
    ...broken,
    release_id: 'bad',
    environment: staging,
    signal: controller.signal,
    log: (line) => void (line.includes('runs') && controller.abort(reason)),
  });
  await expect(deploying).rejects.toBe(reason);
  expect(liveIn('aborted')).toBe('releases/r1');
  await eventually(async () => (await answer().catch(() => '')) === 'one hello-secret' || undefined);
});

test('a command that ends is started again', async () => {
  const staging = environment('supervised');
  await deployer.deploy({ ...one, release_id: 'r1', environment: staging });
  const supervisor = readFileSync(path.join(base_directory, 'supervised/run/pid'), 'utf8').split('\n')[0]!;
  const child = execFileSync('ps', ['-o', 'pid=', '--ppid', supervisor], { encoding: 'utf8' }).trim();
  process.kill(Number(child), 'SIGKILL');
  await eventually(async () => {
    const now = childrenOf(supervisor);
    return (
      (now.includes('server.cjs') && !now.includes(child) && (await answer().catch(() => '')) !== '') ||
      undefined
    );
  });
});

test('a service outlives a crash of its deployer, and one that is gone is started by the same call', async () => {
  const staging = environment('gone');
  await deployer.deploy({ ...one, release_id: 'r1', environment: staging });
  await serviceProcess(path.join(base_directory, 'gone/run')).stop(2_000);
  expect(await deployer.status({ environment: staging })).toMatchObject({ healthy: false });
  expect(await deployer.deploy({ ...one, release_id: 'r1', environment: staging })).toMatchObject({
    changed: true,
  });
  expect(await answer()).toBe('one hello-secret');
});

test('a switch that was cut off is done again by the same call, and goes back to what was live before it', async () => {
  const staging = environment('cut', { health: { url: `http://127.0.0.1:${port}/`, wait_ms: 1_500 } });
  await deployer.deploy({ ...one, release_id: 'r1', environment: staging });
  // What a crash leaves between the switch of the link and the answer of the service.
  const store = releaseStore(path.join(base_directory, 'cut'));
  await store.put({ ...broken, release_id: 'bad' });
  await store.begin('r1');
  await store.activate('bad');
  await expect(deployer.deploy({ ...broken, release_id: 'bad', environment: staging })).rejects.toMatchObject(
    {
      code: 'unhealthy',
    },
  );
  expect(liveIn('cut')).toBe('releases/r1');

  await store.put({ ...two, release_id: 'r2' });
  await store.begin('r1');
  await store.activate('r2');
  const outcome = await deployer.deploy({ ...two, release_id: 'r2', environment: staging });
  expect(outcome).toMatchObject({
    changed: true,
    previous: { release_id: 'r1' },
    current: { release_id: 'r2' },
  });
  expect(await answer()).toBe('two hello-secret');
});

test('old releases are removed, except the live one and the one before', async () => {
  const site = static_site('pruned', { keep: 2 });
  for (const id of ['r1', 'r2', 'r3', 'r4']) {
    await deployer.deploy({ ...artifactAt(path.join(root, id), { id }), release_id: id, environment: site });
  }
  expect((await deployer.releases({ environment: site })).map(({ release_id }) => release_id)).toEqual([
    'r4',
    'r3',
  ]);
  expect(readdirSync(path.join(base_directory, 'pruned/releases')).sort()).toEqual(['r3', 'r4']);
  await expect(deployer.rollback({ to: 'r1', environment: site })).rejects.toMatchObject({
    code: 'release_unknown',
  });
  await expect(deployer.rollback({ to: '../../x', environment: site })).rejects.toMatchObject({
    code: 'release_unknown',
  });
});

test('an id stands for one artifact for ever', async () => {
  const site = static_site('conflict');
  await deployer.deploy({ ...one, release_id: 'r1', environment: site });
  await expect(deployer.deploy({ ...two, release_id: 'r1', environment: site })).rejects.toMatchObject({
    code: 'release_conflict',
  });
  expect(liveIn('conflict')).toBe('releases/r1');
});

test.each<[string, (directory: string) => void]>([
  ['a link to a place outside', (directory) => symlinkSync('/etc', path.join(directory, 'link'))],
  ['a link that leads out', (directory) => symlinkSync('../..', path.join(directory, 'link'))],
  ['a pipe', (directory) => execFileSync('mkfifo', [path.join(directory, 'pipe')])],
])('an artifact with %s is refused, and nothing is left of it', async (what, plant) => {
  const directory = path.join(root, what);
  mkdirSync(directory);
  plant(directory);
  const site = static_site('refused');
  const deploying = deployer.deploy({
    artifact: directory,
    digest: digestOf(what),
    release_id: 'r',
    environment: site,
  });
  await expect(deploying).rejects.toMatchObject({ code: 'artifact_invalid' });
  expect(
    ['releases', 'tmp', 'records'].map((name) => readdirSync(path.join(base_directory, 'refused', name))),
  ).toEqual([[], [], []]);
});

test.each<[string, Partial<DeployEnvironment>, string]>([
  ['a name that leads out', { name: '../x' }, '/name'],
  ['a setting that is none', { settings: { kep: 3 } }, '/settings'],
  ['a variable that is none', { variables: { 'A=B': 'x' } }, '/variables/A=B'],
  [
    'a health URL of another protocol',
    { settings: { health: { url: 'file:///etc' } } },
    '/settings/health/url',
  ],
])('%s is refused', async (_what, more, pointer) => {
  const deploying = deployer.deploy({
    ...one,
    release_id: 'r',
    environment: { ...static_site('x'), ...more },
  });
  await expect(deploying).rejects.toMatchObject({
    code: 'validation_failed',
    data: { errors: [{ path: pointer }] },
  });
});

/** Between two starts there is none, and `ps` calls that a failure. */
function childrenOf(pid: string): string {
  try {
    return execFileSync('ps', ['-o', 'pid=,args=', '--ppid', pid], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
