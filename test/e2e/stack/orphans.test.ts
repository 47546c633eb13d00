import { rm } from 'node:fs/promises';
import { jest } from '@jest/globals';
import { devEnvironment } from '../../../src/dev/environment.ts';
import { postgresAccount } from '../../../src/dev/postgres-account.ts';
import { identityOf } from '../../../src/dev/process-identity.ts';
import { freePort } from '../../../src/dev/ports.ts';
import { startOwnStack, temporaryDataDir } from '../../support/stack.ts';
import { eventually } from './eventually.ts';
import { end, holdServices } from './held.ts';
import { leaveRow, leaveWorkflow, rowsOf, workflowStatus } from './traces.ts';

// Each test starts servers of its own, on a machine that may be busy with the other tests.
jest.setTimeout(180_000);

let data_dir: string;
beforeEach(async () => void (data_dir = await temporaryDataDir()));
afterEach(() => rm(data_dir, { recursive: true, force: true }));

test('after kill -9 of the stack the next start uses the servers left behind, and stops them in the end', async () => {
  const first = await holdServices({ data_dir });
  await leaveRow(first.database_url);
  const id = await leaveWorkflow(first.temporal_address);
  await end(first, 'SIGKILL');

  const second = await startOwnStack({ data_dir });
  expect(second.postgres?.pid()).toBe(first.pids.postgres);
  expect(second.temporal?.pid()).toBe(first.pids.temporal);
  expect(second.database_url).toBe(first.database_url);
  expect(await rowsOf(second.database_url)).toBe(1);
  expect(await workflowStatus(second.temporal_address, id)).toBe('RUNNING');

  // One that was not our child is watched as well as one that is.
  process.kill(first.pids.postgres, 'SIGKILL');
  await eventually(async () => expect(await rowsOf(second.database_url)).toBe(1));
  expect(second.postgres?.pid()).not.toBe(first.pids.postgres);

  await second.stop();
  expect(identityOf(first.pids.temporal)).toBeUndefined();
  await expect(rowsOf(second.database_url)).rejects.toThrow();
});

test('servers left behind that were started otherwise than wanted now are stopped first, and nothing is lost', async () => {
  const first = await holdServices({ data_dir });
  await leaveRow(first.database_url);
  await end(first, 'SIGKILL');
  const environment = { postgres_port: await freePort(), temporal_port: await freePort() };

  const second = await startOwnStack({ data_dir, environment });
  expect(second.postgres?.pid()).not.toBe(first.pids.postgres);
  expect(second.temporal?.pid()).not.toBe(first.pids.temporal);
  expect(second.temporal_address).toBe(`127.0.0.1:${environment.temporal_port}`);
  expect(await rowsOf(second.database_url)).toBe(1);
  await second.stop();
});

test('a postmaster that was never recorded is found by its own pid file and stopped', async () => {
  const first = await holdServices({ data_dir });
  await leaveRow(first.database_url);
  await end(first, 'SIGKILL');
  await rm(`${data_dir}/postgres.service.json`);

  const second = await startOwnStack({ data_dir });
  expect(identityOf(first.pids.postgres)).toBeUndefined();
  expect(await rowsOf(second.database_url)).toBe(1);
  await second.stop();
});

test('a second process on the data directory is refused with the pid of the first', async () => {
  const first = await holdServices({ data_dir });
  await expect(holdServices({ data_dir })).rejects.toThrow(`process ${first.process.pid}`);
  await end(first, 'SIGTERM');
  expect(identityOf(first.pids.postgres)).toBeUndefined();
  expect(identityOf(first.pids.temporal)).toBeUndefined();
});

test('the environment of the tests is not the one of the user', () => {
  expect(devEnvironment({ HOME: '/h' })).toMatchObject({
    cache_dir: '/h/.cache/orchestrator',
    setup: 'auto',
  });
  expect(postgresAccount() === undefined).toBe(process.getuid?.() !== 0);
});
