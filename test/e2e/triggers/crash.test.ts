import { randomUUID } from 'node:crypto';
import { connectTemporal, type TemporalLink } from '../../../src/clients/temporal-link.ts';
import { createScheduleServices } from '../../../src/container.ts';
import { createStore } from '../../../src/container-store.ts';
import { NO_METRICS } from '../../../src/contract/metrics.ts';
import type { Firing, OpenedFiring } from '../../../src/contract/schedules.ts';
import { createLogger } from '../../../src/log.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';
import { startTriggered, type Triggered } from './triggered.ts';

let on: Triggered;
let link: TemporalLink;
/** What a worker calls when a schedule fires, without the worker. */
let scheduled: ReturnType<typeof createScheduleServices>['scheduled'];

beforeAll(async () => {
  on = await startTriggered();
  const { config, database } = on.product;
  const { namespace, task_queue } = config.temporal;
  link = await connectTemporal({ address: testTemporal(), namespace, task_queue, eager: false });
  const logger = createLogger({ level: 'silent', service_name: 'test' });
  const base = { config, db: database.db, logger, metrics: NO_METRICS };
  ({ scheduled } = createScheduleServices(base, createStore(base), link));
});
afterAll(async () => {
  expect(await contradictions(on.product.database_url, testTemporal())).toEqual([]);
  await link.close();
  await on.stop();
});

async function firingOf(workflow: string): Promise<Firing> {
  const [schedule] = await on.publish(workflow, [{ cron: '@yearly', input: { n: 1 } }]);
  return {
    schedule_id: schedule!.id,
    project_id: '00000000-0000-7000-8000-000000000001',
    workflow,
    action_id: randomUUID(),
    scheduled_at: '2026-01-01T00:00:00.000Z',
  };
}

function started(opened: OpenedFiring) {
  if ('refused' in opened) throw new Error(opened.refused);
  return opened;
}

/** When the sweeper may start a run, from when it was accepted; null: not at all. */
async function sweptAfter(run_id: string): Promise<number | null> {
  const { rows } = await on.product.database.pool.query<{ seconds: number }>(
    `SELECT extract(epoch FROM next_attempt_at - r.created_at)::float8 AS seconds FROM outbox o JOIN run r ON r.id = o.run_id
     WHERE r.id = $1 AND o.kind = 'start'`,
    [run_id],
  );
  return rows[0]?.seconds ?? null;
}

it('a run whose execution died before it began is begun by the sweeper, later than by its own', async () => {
  const { run_id, start } = started(await scheduled.open(await firingOf('swept')));
  expect(start?.run.id).toBe(run_id);
  expect(await sweptAfter(run_id)).toBe(30);
  expect((await on.product.run(run_id)).state).toBe('queued');
  await on.product.database.pool.query('UPDATE outbox SET next_attempt_at = now() WHERE run_id = $1', [
    run_id,
  ]);
  expect(await on.product.ended(run_id)).toMatchObject({ state: 'completed', output: { a: { n: 1 } } });
  expect(await sweptAfter(run_id)).toBeNull();
});

it('a firing that is carried out again, even twenty times at once, is one run', async () => {
  const firing = await firingOf('retried');
  const opened = await Promise.all(Array.from({ length: 20 }, () => scheduled.open(firing)));
  expect(new Set(opened.map((one) => started(one).run_id)).size).toBe(1);
  const { run_id } = started(opened[0]!);
  await on.product.database.pool.query('UPDATE outbox SET next_attempt_at = now() WHERE run_id = $1', [
    run_id,
  ]);
  await on.product.ended(run_id);
  // A run that has begun is left to itself: its end is waited for.
  expect(await scheduled.open(firing)).toEqual({ run_id, start: null });
  expect(await scheduled.endOf(run_id)).toBe('completed');
  const another = started(await scheduled.open({ ...firing, action_id: randomUUID() }));
  expect(another.run_id).not.toBe(run_id);
  await on.product.database.pool.query('UPDATE outbox SET next_attempt_at = now()');
  await on.product.ended(another.run_id);
});

it('a firing that finds its run begun by the sweeper lasts until that has ended', async () => {
  const firing = await firingOf('overtaken');
  const { project_id, workflow, schedule_id } = firing;
  const taskQueue = on.product.config.temporal.task_queue;
  const action = await on.client.workflow.start('scheduledRun', {
    workflowId: `overtaken-${randomUUID()}`,
    taskQueue,
    args: [{ schedule_id, project_id, workflow }],
    startDelay: '1s',
  });
  const action_id = `${action.workflowId}/${action.firstExecutionRunId}`;
  const { run_id, start } = started(await scheduled.open({ ...firing, action_id }));
  // There, but not begun when the firing comes to it.
  await on.client.workflow.start('dag', { workflowId: run_id, taskQueue, args: [start], startDelay: '3s' });
  expect(await action.result()).toEqual({ run_id, state: 'completed' });
  const { events = [] } = await action.fetchHistory();
  expect(events!.some((event) => event.startChildWorkflowExecutionFailedEventAttributes)).toBe(true);
});

it('a cancel comes to a run that has ended as no news', async () => {
  const firing = await firingOf('cancelled');
  const { run_id } = started(await scheduled.open(firing));
  await on.product.database.pool.query('UPDATE outbox SET next_attempt_at = now()');
  await on.product.ended(run_id);
  await scheduled.cancel({ ...firing, run_id });
  await scheduled.cancel({ ...firing, run_id });
  expect((await on.product.run(run_id)).state).toBe('completed');
});
