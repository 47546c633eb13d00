import { loadConfig } from '../../../src/config.ts';
import { startApiProcess, type ApiProcess } from '../../support/api-process.ts';
import { newId } from '../../../src/ids.ts';
import { definition, wait } from '../../support/definitions.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';
import { startWorker, type TestWorker } from '../../support/worker.ts';
import pg from 'pg';

const RUNS = 120;
const task_queue = `test-${newId()}`;
const SETTINGS = {
  ORCHESTRATOR_TEMPORAL_TASK_QUEUE: task_queue,
  ORCHESTRATOR_RUNS_SWEEP_INTERVAL_SECONDS: '1',
  ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_STORE_GC_INTERVAL_HOURS: '0',
  ORCHESTRATOR_STORE_FSCK_INTERVAL_HOURS: '0',
  ORCHESTRATOR_RUNS_RETENTION_INTERVAL_HOURS: '0',
  ORCHESTRATOR_TRIGGERS_RECONCILE_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_EXTERNAL_RUNS_HEALTH_INTERVAL_SECONDS: '0',
  ORCHESTRATOR_LIMITS_RATE_BURST: '100000',
};

let api: ApiProcess;
let second: ApiProcess | undefined;
let worker: TestWorker;
let db: pg.Client;

beforeAll(async () => {
  api = await startApiProcess(SETTINGS);
  worker = await startWorker(loadConfig(SETTINGS, process.cwd()), api.database.url);
  db = new pg.Client({ connectionString: api.database.url });
  await db.connect();
});
afterAll(async () => {
  await worker?.stop();
  await db?.end();
  await second?.remove();
  await api?.remove();
});

const count = async (text: string): Promise<number> => {
  const { rows } = await db.query<{ n: string }>(`SELECT count(*) AS n FROM ${text}`);
  return Number(rows[0]!.n);
};

it('a bulk command whose API is killed in the middle is carried out by another, each run told once', async () => {
  await api.publish('idle', definition('idle', { w: wait(600) }));
  const runs = await Promise.all(Array.from({ length: RUNS }, () => api.start('idle')));
  for (const { id } of runs) await api.until(id, (run) => run.state === 'running');
  const reason = 'all at once';
  const { status, body } = await api.call<{ id: string }>('POST', '/runs/bulk', {
    filter: { workflow: 'idle' },
    command: { type: 'terminate', payload: { reason } },
  });
  expect(status).toBe(202);
  while ((await count('run_command')) < RUNS / 4) await new Promise((resolve) => setTimeout(resolve, 1));
  await api.kill();
  const told = await count('run_command');
  expect(told).toBeLessThan(RUNS);

  second = await startApiProcess({ ...SETTINGS, ORCHESTRATOR_DATABASE_URL: api.database.url });
  const running = second;
  for (;;) {
    const found = await running.call<{ state: string }>('GET', `/bulk/${body.id}`);
    if (found.body.state === 'completed') {
      expect(found.body).toMatchObject({ matched: RUNS, accepted: RUNS, pending: 0, rejected_count: 0 });
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const { id } of runs) expect(await running.ended(id)).toMatchObject({ state: 'terminated', reason });
  expect(await count('run_command')).toBe(RUNS);
  expect(await count(`run_event WHERE type = 'command.queued'`)).toBe(RUNS);
  expect(await contradictions(api.database.url, testTemporal())).toEqual([]);
});
