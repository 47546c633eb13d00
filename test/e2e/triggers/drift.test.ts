import { randomUUID } from 'node:crypto';
import { eventually, startTriggered, type Triggered } from './triggered.ts';

let on: Triggered;

beforeAll(async () => {
  on = await startTriggered();
});
afterAll(() => on?.stop());

const HOURLY = { cron: '0 * * * *' };
const NOTHING = { missing: 0, changed: 0, extra: 0 };

async function drifts(workflow: string) {
  return (await on.schedules(workflow)).map(({ drift, last_repair }) => [drift, last_repair?.drift ?? null]);
}

it('a schedule that somebody deleted is missing, and comes back', async () => {
  const [schedule] = await on.publish('deleted', [HOURLY]);
  await on.handle(schedule!).delete();
  expect(await drifts('deleted')).toEqual([['missing', null]]);
  expect(await on.reconcile()).toEqual({ ...NOTHING, missing: 1 });
  expect(await drifts('deleted')).toEqual([[null, 'missing']]);
  expect(await on.reconcile()).toEqual(NOTHING);
});

it.each([
  ['its time', { spec: { cronExpressions: ['5 5 * * *'] } }],
  ['its policy', { policies: { overlap: 'ALLOW_ALL', catchupWindow: 60_000, pauseOnFailure: false } }],
  [
    'what it starts',
    { action: { type: 'startWorkflow', workflowType: 'dag', workflowId: 'x', taskQueue: 'x', args: [] } },
  ],
  ['how often it fires', { state: { paused: false, remainingActions: 3 } }],
])('a schedule of which somebody changed %s is changed, and becomes what it was', async (what, change) => {
  const workflow = what.replaceAll(' ', '-');
  const [schedule] = await on.publish(workflow, [{ ...HOURLY, overlap: 'buffer_one' }]);
  const handle = on.handle(schedule!);
  const before = await handle.describe();
  await handle.update((was) => ({ ...was, ...change }) as never);
  expect(await drifts(workflow)).toEqual([['changed', null]]);
  expect(await on.reconcile()).toEqual({ ...NOTHING, changed: 1 });
  expect(await drifts(workflow)).toEqual([[null, 'changed']]);
  const { spec, policies, action, state } = await handle.describe();
  expect({ spec, policies, args: action.args, limit: state.remainingActions }).toEqual({
    spec: before.spec,
    policies: before.policies,
    args: before.action.args,
    limit: undefined,
  });
});

it('a pause is an operator’s right: shown, and left alone even when the rest is put right', async () => {
  const [schedule] = await on.publish('paused', [HOURLY]);
  const handle = on.handle(schedule!);
  await handle.pause('until Monday');
  expect(await on.reconcile()).toEqual(NOTHING);
  expect(await on.schedules('paused')).toMatchObject([{ paused: true, drift: null, next_runs: [] }]);
  await handle.update((was) => ({ ...was, spec: { cronExpressions: ['5 5 * * *'] } }));
  expect(await on.reconcile()).toEqual({ ...NOTHING, changed: 1 });
  expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'until Monday' });
  await handle.unpause();
  expect(await on.schedules('paused')).toMatchObject([{ paused: false, drift: null }]);
});

it('one that belongs to no definition goes; those of other installations stay', async () => {
  const [schedule] = await on.publish('stray', [HOURLY]);
  const [stray, foreign] = await Promise.all(
    [on.product.config.temporal.task_queue, 'another-queue'].map(async (queue) => {
      const { spec, action } = await on.handle(schedule!).describe();
      const scheduleId = `schedule:stray:${randomUUID()}@${queue}`;
      return on.client.schedule.create({
        scheduleId,
        spec,
        action: { ...action, workflowId: scheduleId },
        searchAttributes: { OrchestratorType: ['schedule'] },
      });
    }),
  );
  await eventually(
    async () => {
      const names = [];
      for await (const { scheduleId } of on.client.schedule.list({ query: "OrchestratorType = 'schedule'" }))
        names.push(scheduleId);
      return names;
    },
    (names) => names.includes(stray!.scheduleId) && names.includes(foreign!.scheduleId),
  );
  expect(await on.reconcile()).toEqual({ ...NOTHING, extra: 1 });
  await expect(stray!.describe()).rejects.toThrow(/not found/i);
  await foreign!.delete();
  expect(await drifts('stray')).toEqual([[null, null]]);
});

it('a move that nobody noticed in time is noticed by the reconciler', async () => {
  await on.publish('unnoticed', [HOURLY]);
  const sql = `UPDATE tag_move SET moved_at = moved_at - interval '1 hour' WHERE tag_name = 'unnoticed'`;
  const client = await on.product.database.pool.connect();
  try {
    // Nobody sees the new entry before it is an old one.
    await client.query('BEGIN');
    await client.query(sql);
    await client.query(`UPDATE trigger_state SET target_id = project_id WHERE workflow = 'unnoticed'`);
    await client.query(`DELETE FROM schedule WHERE workflow = 'unnoticed'`);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await on.schedules('unnoticed')).toEqual([]);
  await on.reconcile();
  expect(await drifts('unnoticed')).toEqual([[null, null]]);
});
