import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { commandDeployer } from '../../src/clients/deployers/command.ts';
import { dockerComposeDeployer } from '../../src/clients/deployers/docker-compose.ts';
import type { DeployEnvironment } from '../../src/contract/deployer.ts';
import type { Json } from '../../src/contract/json.ts';
import { eventually } from '../support/eventually.ts';
import { artifactAt, localFetch, scratch } from './support.ts';

const root = scratch();
const live_file = path.join(root, 'live');
const bin = path.join(root, 'bin');
const fetch = localFetch();
const deps = { base_directory: path.join(root, 'deployed'), fetch, program_path: `${bin}:/usr/bin:/bin` };

/** Puts its release live by writing a file; fails when the artifact says so. */
const SCRIPT = `set -eu
echo "token is $TOKEN"
if [ -e fail ]; then echo half > "$LIVE"; exit 7; fi
if [ -e slow ]; then sleep 1000 & echo $! > "$LIVE.pid"; wait; fi
printf '%s|' "$@" "$RELEASE_ID" "$(cat text)" > "$LIVE"
`;
const one = artifactAt(path.join(root, 'one'), {
  'deploy.sh': SCRIPT,
  text: 'one',
  'docker-compose.yml': 'services: {}\n',
});
const two = artifactAt(path.join(root, 'two'), {
  'deploy.sh': SCRIPT,
  text: 'two',
  'docker-compose.yml': 'services: {}\n',
});
const bad = artifactAt(path.join(root, 'bad'), {
  'deploy.sh': SCRIPT,
  text: 'bad',
  fail: '',
  'docker-compose.yml': 'fail\n',
});
const slow = artifactAt(path.join(root, 'slow'), { 'deploy.sh': SCRIPT, text: 'slow', slow: '' });

beforeAll(() => mkdirSync(bin, { recursive: true }));

describe('a command', () => {
  const deployer = commandDeployer(deps);
  const environment = (
    name: string,
    more: Record<string, Json> = {},
    variables: Record<string, string> = {},
  ) =>
    ({
      name,
      settings: {
        deploy: ['/bin/sh', 'deploy.sh', '{environment}', '{previous}', '{unknown} $(id) `id`;'],
        ...more,
      },
      variables: { LIVE: live_file, TOKEN: 'secret-token', ...variables },
    }) satisfies DeployEnvironment;
  const live = () => readFileSync(live_file, 'utf8');

  test('is run for each release, with no shell between, and its output is evidence without secrets', async () => {
    const place = environment('staging');
    const lines: string[] = [];
    const first = await deployer.deploy({
      ...one,
      release_id: 'r1',
      environment: place,
      log: (line) => lines.push(line),
    });
    expect(live()).toBe('staging||{unknown} $(id) `id`;|r1|one|');
    expect(first).toMatchObject({
      changed: true,
      previous: null,
      current: { release_id: 'r1' },
      evidence: { exit_code: 0, output: 'token is ***\n' },
    });
    expect(lines).toEqual(['token is ***', 'r1 is live.']);

    await deployer.deploy({ ...two, release_id: 'r2', environment: place });
    expect(live()).toBe('staging|r1|{unknown} $(id) `id`;|r2|two|');
    const back = await deployer.rollback({ to: 'r1', environment: place });
    expect(live()).toBe('staging|r2|{unknown} $(id) `id`;|r1|one|');
    expect(back).toMatchObject({
      changed: true,
      previous: { release_id: 'r2' },
      current: { release_id: 'r1' },
    });
    expect(Object.keys(back.current).sort()).toEqual(['deployed_at', 'digest', 'release_id']);
    expect((await deployer.releases({ environment: place })).map(({ release_id }) => release_id)).toEqual([
      'r1',
      'r2',
    ]);
  });

  test('is not run for what is live, unless a variable changed', async () => {
    const place = environment('same');
    await deployer.deploy({ ...one, release_id: 'r1', environment: place });
    writeFileSync(live_file, 'untouched');
    expect(await deployer.deploy({ ...one, release_id: 'r5', environment: place })).toMatchObject({
      changed: false,
      current: { release_id: 'r1' },
    });
    expect(live()).toBe('untouched');
    const changed = environment('same', {}, { MORE: 'x' });
    expect(await deployer.deploy({ ...one, release_id: 'r1', environment: changed })).toMatchObject({
      changed: true,
    });
    expect(live()).toContain('one');
  });

  test('that fails is taken back with the release before', async () => {
    const place = environment('failing');
    await deployer.deploy({ ...one, release_id: 'r1', environment: place });
    await expect(deployer.deploy({ ...bad, release_id: 'r2', environment: place })).rejects.toMatchObject({
      code: 'deploy_failed',
      message: 'The command ended with 7.',
      evidence: { exit_code: 7, output: 'token is ***\n' },
    });
    expect(live()).toContain('|r1|one|');
    expect((await deployer.status({ environment: place })).current).toMatchObject({ release_id: 'r1' });
  });

  test('that fails at first is removed, and a failing way back is told', async () => {
    const removing = environment('removed', { remove: ['/bin/rm', live_file] });
    await expect(deployer.deploy({ ...bad, release_id: 'r1', environment: removing })).rejects.toMatchObject({
      evidence: { exit_code: 7 },
    });
    expect(existsSync(live_file)).toBe(false);
    const stuck = environment('stuck', { rollback: ['/bin/does-not-exist'] });
    await deployer.deploy({ ...one, release_id: 'r1', environment: stuck });
    await expect(deployer.deploy({ ...bad, release_id: 'r2', environment: stuck })).rejects.toMatchObject({
      message: expect.stringContaining('Going back failed as well') as string,
      evidence: { exit_code: 7 },
    });
    // The note of it makes the same call after the repair do it all.
    const repaired = environment('stuck');
    expect(await deployer.deploy({ ...one, release_id: 'r1', environment: repaired })).toMatchObject({
      changed: true,
    });
    expect(live()).toContain('|r1|one|');
  });

  test.each(['abort', 'timeout'])('that hangs is killed with its children at %s', async (how) => {
    await deployer.deploy({ ...one, release_id: 'r1', environment: environment(`hang-${how}`) });
    const place = environment(`hang-${how}`, how === 'timeout' ? { timeout_ms: 5_000 } : {});
    const controller = new AbortController();
    const reason = new Error('enough');
    const deploying = deployer.deploy({
      ...slow,
      release_id: 'r2',
      environment: place,
      signal: controller.signal,
    });
    deploying.catch(() => undefined);
    const pid = await eventually(
      () => (existsSync(`${live_file}.pid`) && readFileSync(`${live_file}.pid`, 'utf8').trim()) || undefined,
    );
    if (how === 'abort') controller.abort(reason);
    await expect(deploying).rejects.toEqual(
      how === 'abort' ? reason : expect.objectContaining({ code: 'timeout' }),
    );
    await eventually(
      () =>
        !execFileSync('ps', ['-eo', 'pid=,stat='], { encoding: 'utf8' })
          .split('\n')
          .some((line) => new RegExp(`^ *${pid} [^Z]`).test(line)) || undefined,
    );
    expect(live()).toContain('|r1|one|');
    execFileSync('rm', [`${live_file}.pid`]);
  });

  test('tells how it is by its exit code', async () => {
    const place = environment('status', { status: ['/usr/bin/grep', '-q', 'one', live_file] });
    expect(await deployer.status({ environment: place })).toMatchObject({ current: null, healthy: null });
    await deployer.deploy({ ...one, release_id: 'r1', environment: place });
    expect(await deployer.status({ environment: place })).toMatchObject({ healthy: true });
    writeFileSync(live_file, 'other');
    expect(await deployer.status({ environment: place })).toMatchObject({ healthy: false });
  });
});

/** No Docker engine here: a program in its place notes how it is called. What it is told is Docker's documented form. */
const DOCKER = `#!/bin/sh
{ printf '%s ' "$@"; echo "| $RELEASE_ID \${DOCKER_HOST:-none} \${TOKEN:-none} $(basename "$PWD")"; } >> "$CALLS"
case "$*" in
  *" up "*) ! grep -q fail docker-compose.yml || { echo 'service "web" is unhealthy'; exit 1; } ;;
  *" ps "*) cat "$CALLS.ps" ;;
esac
`;

describe('docker compose', () => {
  const deployer = dockerComposeDeployer(deps);
  const calls = path.join(root, 'calls');
  const environment: DeployEnvironment = {
    name: 'shop',
    settings: { wait_seconds: 30, docker_host: 'tcp://engine:2375' },
    variables: { CALLS: calls, TOKEN: 'secret' },
  };
  const seen = () => readFileSync(calls, 'utf8').trim().split('\n');
  beforeEach(() => {
    writeFileSync(path.join(bin, 'docker'), DOCKER);
    chmodSync(path.join(bin, 'docker'), 0o755);
    writeFileSync(calls, '');
  });
  const UP =
    'compose --ansi never -p shop -f docker-compose.yml up --detach --remove-orphans --pull missing --wait --wait-timeout 30 |';

  test('is told exactly this, in the directory of the release', async () => {
    await deployer.deploy({ ...one, release_id: 'r1', environment });
    expect(seen()).toEqual([`${UP} r1 tcp://engine:2375 secret r1`]);
  });

  test('goes back to the release before when services do not come up', async () => {
    await expect(deployer.deploy({ ...bad, release_id: 'r2', environment })).rejects.toMatchObject({
      code: 'deploy_failed',
      evidence: { exit_code: 1, output: 'service "web" is unhealthy\n' },
    });
    expect(seen().map((line) => line.split(' | ')[1])).toEqual([
      'r2 tcp://engine:2375 secret r2',
      'r1 tcp://engine:2375 secret r1',
    ]);
  });

  test('is told to take down a first release that failed', async () => {
    const first = { ...environment, name: 'first' };
    await expect(deployer.deploy({ ...bad, release_id: 'r1', environment: first })).rejects.toMatchObject({
      code: 'deploy_failed',
    });
    expect(seen().at(-1)).toContain('-p first -f docker-compose.yml down --remove-orphans |');
  });

  test.each([
    [
      'lines',
      '{"Service":"web","State":"running","Health":"healthy"}\n{"Service":"db","State":"running","Health":""}\n',
      true,
    ],
    ['an array', '[{"Service":"web","State":"running"}]\n', true],
    ['a service that is unhealthy', '{"Service":"web","State":"running","Health":"unhealthy"}\n', false],
    ['a service that ended', '{"Service":"web","State":"exited"}\n', false],
    ['nothing', '', false],
  ])('its answer of %s is read', async (_what, answer, healthy) => {
    writeFileSync(`${calls}.ps`, answer);
    expect(await deployer.status({ environment })).toMatchObject({ healthy });
    expect(seen()).toEqual([
      'compose --ansi never -p shop -f docker-compose.yml ps --all --format json | r1 tcp://engine:2375 secret r1',
    ]);
  });

  test('takes no file outside the artifact', async () => {
    for (const file of ['../x.yml', '/etc/x.yml', '--file', 'a/../../x']) {
      const settings = { ...environment.settings, files: [file] };
      await expect(
        deployer.deploy({ ...one, release_id: 'x', environment: { ...environment, settings } }),
      ).rejects.toMatchObject({
        code: 'validation_failed',
      });
    }
  });
});
