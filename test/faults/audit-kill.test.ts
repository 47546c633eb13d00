import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { newId } from '../../src/ids.ts';
import { apiClient, type ApiClient } from '../support/api-client.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { definition, transform } from '../support/definitions.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/own-server.ts';
import { type OwnProcess, ownProcess } from '../support/own-process.ts';
import { testTemporal } from '../support/stack.ts';

const TOKEN = 'test-token-test-token-test-token-0123';
const KILLS = 3;
const CALLERS = 16;
const BEFORE_A_KILL = 60;

let test_database: TestDatabase;
let data_dir: string;
let processes: OwnProcess[];
let apis: ApiClient[];
let db: pg.Pool;

beforeAll(async () => {
  test_database = await testDatabase();
  data_dir = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-audit-'));
  db = new pg.Pool({ connectionString: test_database.url, max: 2 });
  const ports = [await freePort(), await freePort()];
  processes = ports.map((port) => ownProcess('api', settings(port)));
  apis = ports.map((port) => apiClient(`http://127.0.0.1:${port}`, TOKEN));
  await Promise.all(processes.map((one) => one.start()));
});
afterAll(async () => {
  await Promise.all(processes?.map((one) => one.kill()) ?? []);
  await db?.end();
  await test_database?.drop();
  await rm(data_dir, { recursive: true, force: true });
});

const settings = (port: number): Record<string, string> => ({
  ORCHESTRATOR_DATABASE_URL: test_database.url,
  ORCHESTRATOR_TEMPORAL_HOST_PORT: testTemporal(),
  ORCHESTRATOR_TEMPORAL_TASK_QUEUE: `test-${newId()}`,
  ORCHESTRATOR_AUTH_API_TOKEN: TOKEN,
  ORCHESTRATOR_AUTH_JWT_SECRET: 'a-secret-of-thirty-two-characters',
  ORCHESTRATOR_DATA_DIR: data_dir,
  ORCHESTRATOR_SERVER_HOST: '127.0.0.1',
  ORCHESTRATOR_SERVER_PORT: String(port),
  ORCHESTRATOR_SERVER_ENABLE_METRICS: 'false',
  ORCHESTRATOR_LIMITS_RATE_PER_SECOND: '100000',
  ORCHESTRATOR_LIMITS_RATE_BURST: '100000',
});

test('replicas are killed under load: every write that was acknowledged has its entry, and the chain holds', async () => {
  const acknowledged = new Map<string, number>();
  let is_over = false;
  let lost = 0;
  const calling = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let i = 0; !is_over; i++) {
      const name = `kill-${caller}-${i}`;
      const workflow = definition(name, { a: transform(1) });
      const headers = { 'x-request-id': name, 'idempotency-key': name };
      const answer = await apis[caller % 2]!.call(
        'POST',
        '/workflows',
        { tag_name: name, workflow },
        headers,
      ).catch(() => undefined);
      if (answer === undefined) lost += 1;
      else acknowledged.set(name, answer.status);
    }
  });
  for (let kill = 0; kill < KILLS; kill++) {
    const before = acknowledged.size;
    await eventually(() => (acknowledged.size >= before + BEFORE_A_KILL ? true : undefined));
    await processes[kill % 2]!.kill();
    await processes[kill % 2]!.start();
  }
  is_over = true;
  await Promise.all(calling);
  expect(lost).toBeGreaterThan(0);
  expect(new Set(acknowledged.values())).toEqual(new Set([201]));

  const { rows } = await db.query<{ request_id: string; status: number }>(
    'SELECT request_id, status FROM audit_entry',
  );
  const kept = new Map(rows.map(({ request_id, status }) => [request_id, status]));
  expect(kept.size).toBe(rows.length);
  expect([...acknowledged].filter(([id, status]) => kept.get(id) !== status)).toEqual([]);

  const { body } = await eventually(async () => {
    const answer = await apis[0]!.call('GET', '/audit/verify');
    return answer.body.unsealed === 0 ? answer : undefined;
  });
  expect(body).toMatchObject({ entries: rows.length, head: { seq: rows.length }, intact: true });
});
