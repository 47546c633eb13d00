import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { releaseDirectoryDeployer } from '../../src/clients/deployers/release-directory.ts';
import { serviceProcess } from '../../src/clients/deployers/service-process.ts';
import type { DeployEnvironment } from '../../src/contract/deployer.ts';
import { compiled } from '../support/compiled.ts';
import type { Orders } from './deploy-for-ever.ts';
import { artifactAt, freePort, localFetch, scratch } from './support.ts';

const root = scratch();
const base_directory = path.join(root, 'deployed');
const deployer = releaseDirectoryDeployer({ base_directory, fetch: localFetch() });
const FILES = 12;
const NAMES = ['a', 'b', 'c'] as const;
const MARK = `crash-${process.pid}`;
const SERVER =
  "require('node:http').createServer((q, r) => r.end(require('node:fs').readFileSync('f0'))).listen(process.env.PORT, '127.0.0.1');";

const releases = NAMES.map((name) => ({
  release_id: name,
  ...artifactAt(path.join(root, name), {
    'server.cjs': SERVER,
    ...Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`f${i}`, name])),
  }),
}));

/** Starts a process that deploys, and kills it so long after it has done that so many times. */
async function killedAfter(
  { times, delay_ms }: { times: number; delay_ms: number },
  environment: DeployEnvironment,
): Promise<void> {
  const orders: Orders = { base_directory, environment, releases };
  const program = await compiled('test/deployers/deploy-for-ever');
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  let told = '';
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (told.split('deployed').length > times) resolve();
    });
    child.once('exit', () => resolve());
  });
  await pause(delay_ms);
  child.kill('SIGKILL');
  // Anything else means that it ended by itself, with an error.
  expect(await gone).toBe('SIGKILL');
}

/** Which release is live: every file of it, or none at all. */
function liveFiles(name: string): string[] {
  const current = path.join(base_directory, name, 'current');
  if (
    !existsSync(path.join(base_directory, name, 'releases')) ||
    readdirSync(path.join(base_directory, name)).includes('current') === false
  )
    return [];
  const directory = realpathSync(current);
  return Array.from({ length: FILES }, (_, i) => readFileSync(path.join(directory, `f${i}`), 'utf8'));
}

test('killed at any point, the link leads to one whole release, and the next deployment goes on', async () => {
  const environment: DeployEnvironment = { name: 'static', settings: { keep: 3 }, variables: {} };
  const seen = new Set<string>();
  let was_live = false;
  for (let round = 0; round < 14; round += 1) {
    await killedAfter({ times: round % 4, delay_ms: Math.random() * 100 }, environment);
    const files = liveFiles('static');
    // Once something is live, something is live for ever.
    if (was_live) expect(files).toHaveLength(FILES);
    expect(new Set(files).size).toBe(files.length === 0 ? 0 : 1);
    was_live ||= files.length > 0;
    files.forEach((name) => seen.add(name));
    if (round % 3 !== 0) continue;
    const release = releases[round % releases.length]!;
    const outcome = await deployer.deploy({ ...release, release_id: `after-${round}`, environment });
    expect(outcome.current.digest).toBe(release.digest);
    expect(new Set(liveFiles('static'))).toEqual(new Set([release.release_id]));
    expect(readdirSync(path.join(base_directory, 'static')).sort()).toEqual([
      'current',
      'records',
      'releases',
      'tmp',
    ]);
    const stored = readdirSync(path.join(base_directory, 'static/releases'));
    const records = readdirSync(path.join(base_directory, 'static/records'));
    for (const record of records.filter((file) => file.endsWith('.json')))
      expect(stored).toContain(record.slice(0, -5));
    was_live = true;
  }
  expect(seen.size).toBeGreaterThan(1);
});

test('killed at any point, the next deployment leaves one service running: that of what it deployed', async () => {
  const port = await freePort();
  const environment: DeployEnvironment = {
    name: 'served',
    settings: {
      start: [process.execPath, 'server.cjs', MARK],
      health: { url: `http://127.0.0.1:${port}/`, wait_ms: 20_000 },
      stop_ms: 2_000,
    },
    variables: { PORT: String(port) },
  };
  try {
    for (let round = 0; round < 6; round += 1) {
      await killedAfter({ times: round % 2, delay_ms: Math.random() * 900 }, environment);
      const release = releases[round % releases.length]!;
      const { current, evidence } = await deployer.deploy({
        ...release,
        release_id: `s-${round}`,
        environment,
      });
      expect(current.digest).toBe(release.digest);
      if (!evidence.noop)
        expect(evidence).toMatchObject({ health: { healthy: true, detail: release.release_id } });
      expect(services()).toHaveLength(1);
    }
  } finally {
    await serviceProcess(path.join(base_directory, 'served/run')).stop(2_000);
  }
  expect(services()).toEqual([]);
});

/** The servers of this test, without the shells that keep them running. */
const services = () =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter(
      (line) =>
        line.startsWith(process.execPath) &&
        line.includes(`server.cjs ${MARK}`) &&
        !line.includes('deploy-for-ever'),
    );
