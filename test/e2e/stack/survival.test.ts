import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { jest } from '@jest/globals';
import { startOwnStack, temporaryDataDir, type OwnStack } from '../../support/stack.ts';
import { eventually } from './eventually.ts';
import { leaveRow, leaveWorkflow, rowsOf, workflowStatus } from './traces.ts';

// Each test starts servers of its own, on a machine that may be busy with the other tests.
jest.setTimeout(180_000);

let data_dir: string;
let stack: OwnStack;

beforeAll(async () => {
  data_dir = await temporaryDataDir();
  stack = await startOwnStack({ data_dir });
});

afterAll(async () => {
  await stack.stop();
  await rm(data_dir, { recursive: true, force: true });
});

test('rows and workflows are still there after an orderly stop and a new start', async () => {
  await leaveRow(stack.database_url);
  const id = await leaveWorkflow(stack.temporal_address);
  await stack.stop();
  stack = await startOwnStack({ data_dir });
  expect(await rowsOf(stack.database_url)).toBe(1);
  expect(await workflowStatus(stack.temporal_address, id)).toBe('RUNNING');
});

test('a second stack on the same data directory is refused, naming the process', async () => {
  await expect(startOwnStack({ data_dir })).rejects.toThrow(/Another stack runs on .* \(this very process\)/);
});

test('PostgreSQL killed with -9 comes back on its port, with every committed row', async () => {
  await leaveRow(stack.database_url);
  const before = { rows: await rowsOf(stack.database_url), pid: stack.postgres?.pid() ?? 0 };
  process.kill(before.pid, 'SIGKILL');
  await eventually(async () => expect(await rowsOf(stack.database_url)).toBe(before.rows));
  expect(stack.postgres?.pid()).not.toBe(before.pid);
});

test('PostgreSQL comes back every time, not once only', async () => {
  for (let kill = 0; kill < 3; kill += 1) {
    process.kill(stack.postgres?.pid() ?? 0, 'SIGKILL');
    await eventually(() => rowsOf(stack.database_url));
  }
});

test('the Temporal server killed with -9 comes back on its port, with the running workflows', async () => {
  const id = await leaveWorkflow(stack.temporal_address);
  const before = stack.temporal?.pid() ?? 0;
  process.kill(before, 'SIGKILL');
  await eventually(async () => expect(await workflowStatus(stack.temporal_address, id)).toBe('RUNNING'));
  expect(stack.temporal?.pid()).not.toBe(before);
});

test('a stop during the back-off after a crash leaves nothing running', async () => {
  const own = await startOwnStack();
  process.kill(own.postgres?.pid() ?? 0, 'SIGKILL');
  process.kill(own.temporal?.pid() ?? 0, 'SIGKILL');
  await own.remove();
  await expect(rowsOf(own.database_url)).rejects.toThrow();
});

test('passwords, databases and records are closed to other users', async () => {
  const modeOf = async (name: string) => ((await stat(path.join(data_dir, name))).mode & 0o777).toString(8);
  expect(await modeOf('postgres.password')).toBe('600');
  expect(await modeOf('postgres')).toBe('700');
  expect(await modeOf('temporal')).toBe('700');
  expect(await modeOf('logs')).toBe('700');
  expect(await modeOf('postgres.service.json')).toBe('600');
});
