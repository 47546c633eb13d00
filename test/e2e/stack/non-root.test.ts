import { spawnSync } from 'node:child_process';
import { copyFile, chmod, chown, mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { devEnvironment } from '../../../src/dev/environment.ts';
import { silent } from '../../../src/dev/log.ts';
import { canReach, postgresAccount } from '../../../src/dev/postgres-account.ts';
import { temporalCli } from '../../../src/dev/temporal-cli.ts';
import { temporaryDataDir } from '../../support/stack.ts';
import { end, holdServices } from './held.ts';
import { leaveRow, rowsOf } from './traces.ts';

// Each test starts servers of its own, on a machine that may be busy with the other tests.
jest.setTimeout(180_000);

const account = postgresAccount();
const here = fileURLToPath(import.meta.url);
/** Only root can become somebody else, and that somebody must be able to read this checkout and to run Node. */
const possible = account && canReach(account, here, '-r') && canReach(account, process.execPath, '-x');
const testIfPossible = possible ? test : test.skip;

testIfPossible('the services run for a user who is not root and has a home of their own', async () => {
  const home = await temporaryDataDir();
  const data_dir = path.join(home, 'data');
  const cli = path.join(home, 'temporal');
  const { cache_dir, temporal_cli_path } = devEnvironment();
  await copyFile(await temporalCli({ cli_path: temporal_cli_path, cache_dir, log: silent }), cli);
  await chmod(cli, 0o755);
  await mkdir(data_dir);
  for (const directory of [home, data_dir]) await chown(directory, account?.uid ?? 0, account?.gid ?? 0);

  const env = { HOME: home, TMPDIR: home, TEMPORAL_CLI_PATH: cli };
  const held = await holdServices({ data_dir, env, account });
  await leaveRow(held.database_url);
  expect(await rowsOf(held.database_url)).toBe(1);
  expect((await stat(`/proc/${held.pids.postgres}`)).uid).toBe(account?.uid);
  expect((await stat(`/proc/${held.pids.temporal}`)).uid).toBe(account?.uid);
  await end(held, 'SIGTERM');
  await rm(home, { recursive: true, force: true });
});

testIfPossible('as root, PostgreSQL runs as an account without rights', () => {
  expect(
    spawnSync('id', ['-u'], { ...account })
      .stdout.toString()
      .trim(),
  ).toBe(String(account?.uid));
});
