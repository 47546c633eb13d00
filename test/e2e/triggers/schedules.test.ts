import { definition, transform } from '../../support/definitions.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';
import { eventually, startTriggered, type Triggered } from './triggered.ts';

let on: Triggered;

beforeAll(async () => {
  on = await startTriggered();
});
afterAll(async () => {
  expect(await contradictions(on.product.database_url, testTemporal())).toEqual([]);
  await on.stop();
});

const HOURLY = { cron: '0 * * * *' };
const YEARLY = { cron: '@yearly', time_zone: 'Asia/Tokyo' };
const crons = (found: { cron: string }[]) => found.map(({ cron }) => cron).sort();
const settled = (workflow: string, count: number) =>
  eventually(
    () => on.schedules(workflow),
    (found) => found.length === count && found.every(({ drift }) => drift === null),
  );

/** Fires a schedule now, and answers its next run; one that Temporal still counts as running would make it skip. */
async function fire(workflow: string): Promise<string> {
  const [before] = await on.schedules(workflow);
  await eventually(
    () => on.handle(before!).describe(),
    ({ info }) => info.runningActions.length === 0,
  );
  await on.handle(before!).trigger();
  const [after] = await eventually(
    () => on.schedules(workflow),
    ([found]) => found!.recent[0]?.run_id !== before!.recent[0]?.run_id,
  );
  return after!.recent[0]!.run_id;
}

it('a schedule of a live definition fires: a run of the live tag, with its input as it is written', async () => {
  const input = { at: 'night', text: '${{ run.id }}' };
  const [schedule] = await on.publish('fires', [{ cron: '@every 1s', input }]);
  const [found] = await eventually(
    () => on.schedules('fires'),
    ([one]) => one!.recent.length > 0,
  );
  const fired = found!.recent.at(-1)!;
  expect(await on.product.ended(fired.run_id)).toMatchObject({
    state: 'completed',
    requested_ref: 'fires',
    input,
    output: { a: input },
    schedule_id: schedule!.id,
    scheduled_at: fired.scheduled_at,
    created_by: `schedule:${schedule!.id}`,
  });
  await on.product.call('DELETE', '/workflows/fires');
  await settled('fires', 0);
});

it('is listed with when it fires next, by its own time zone', async () => {
  const [listed] = await on.publish('listed', [{ ...YEARLY, overlap: 'allow_all', catch_up_seconds: 60 }]);
  expect(listed).toMatchObject({
    workflow: 'listed',
    tag: 'listed',
    time_zone: 'Asia/Tokyo',
    overlap: 'allow_all',
    catch_up_seconds: 60,
    recent: [],
    paused: false,
    drift: null,
    last_error: null,
    last_repair: null,
  });
  expect(listed!.version_hash).toMatch(/^sha256:/);
  expect(listed!.next_runs.length).toBeGreaterThan(1);
  // Midnight in Tokyo.
  for (const at of listed!.next_runs) expect(at).toMatch(/-12-31T15:00:00.000Z$/);
});

it('follows every move of its tag, undo included, and keeps its id when it comes back', async () => {
  const [first] = await on.publish('moved', [HOURLY]);
  const second = await on.publish('moved', [YEARLY, HOURLY]);
  expect(second.map(({ id }) => id)).toContain(first!.id);
  await on.product.call('POST', '/tags/moved/undo');
  expect(await settled('moved', 1)).toMatchObject([{ id: first!.id, cron: HOURLY.cron }]);
  await on.product.call('POST', '/tags/moved/redo');
  expect((await settled('moved', 2)).map(({ id }) => id)).toEqual(second.map(({ id }) => id));
  await on.product.call('DELETE', '/tags/moved');
  expect(await settled('moved', 0)).toEqual([]);
  await expect(on.handle(first!).describe()).rejects.toThrow(/not found/i);
});

it('is that of production once there is one, and of the head again when that is gone', async () => {
  await on.publish('live', [HOURLY]);
  const { artifact_id: target } = await on.product.publish(
    'other',
    definition('live', { a: transform(1) }, { schedules: [YEARLY] }),
  );
  await on.product.call('PUT', '/tags/live%2Fproduction', { target });
  const found = await eventually(
    () => on.schedules('live'),
    (all) => all.length === 1 && all[0]!.cron === YEARLY.cron,
  );
  expect(found).toMatchObject([{ tag: 'live/production' }]);
  // The head may move on; it is not live.
  await on.product.publish('live', definition('live', { a: transform(2) }));
  await on.product.call('DELETE', '/tags/live%2Fproduction');
  expect(await settled('live', 0)).toEqual([]);
  await on.publish('live', [HOURLY]);
});

it('fires with what its tag means then, not with what it meant when Temporal was given the schedule', async () => {
  await on.publish('late', [HOURLY]);
  const first = await on.product.ended(await fire('late'));
  const next = await on.product.publish(
    'late',
    definition('late', { a: transform('new') }, { schedules: [HOURLY] }),
  );
  const second = await on.product.ended(await fire('late'));
  expect(second).toMatchObject({
    requested_ref: 'late',
    version_hash: next.version_hash,
    output: { a: 'new' },
  });
  expect(first.version_hash).not.toBe(next.version_hash);
});

it('a changed policy is the same schedule and stays paused; another time is another schedule', async () => {
  const [before] = await on.publish('policy', [HOURLY]);
  await on.handle(before!).pause('for a while');
  const [after] = await on.publish('policy', [{ ...HOURLY, overlap: 'buffer_all' }]);
  expect(after).toMatchObject({
    id: before!.id,
    overlap: 'buffer_all',
    paused: true,
    next_runs: [],
    drift: null,
  });
  expect((await on.handle(after!).describe()).policies.overlap).toBe('BUFFER_ALL');
  const [other] = await on.publish('policy', [{ cron: '30 * * * *' }]);
  expect(other!.id).not.toBe(before!.id);
});

it('two that are equal fire both', async () => {
  const found = await on.publish('twice', [HOURLY, HOURLY, { ...HOURLY, input: 1 }]);
  expect(new Set(found.map(({ id }) => id)).size).toBe(3);
});

it('an input that its schema refuses begins no run, says so once, and is forgotten when it works again', async () => {
  const input_schema = { type: 'object', required: ['n'] };
  const [schedule] = await on.publish('refused', [HOURLY], { input_schema });
  await on.handle(schedule!).trigger();
  const [failed] = await eventually(
    () => on.schedules('refused'),
    ([one]) => one!.last_error !== null,
  );
  expect(failed).toMatchObject({ recent: [], last_error: { code: 'input_invalid' } });
  expect(Date.parse(failed!.last_error!.scheduled_at!)).not.toBeNaN();
  const { info } = await on.handle(schedule!).describe();
  const { workflowId } = info.recentActions[0]!.action.workflow;
  expect(await on.client.workflow.getHandle(workflowId).result()).toEqual({ refused: 'input_invalid' });
  const { events } = await on.client.workflow.getHandle(workflowId).fetchHistory();
  expect(events!.filter((event) => event.activityTaskStartedEventAttributes)).toHaveLength(1);
  await on.publish('refused', [HOURLY]);
  await fire('refused');
  expect((await on.schedules('refused'))[0]!.last_error).toBeNull();
});

it('one that fires after its version lost it begins no run', async () => {
  const [schedule] = await on.publish('stale', [HOURLY]);
  await on.publish('stale', []);
  const { id: schedule_id } = schedule!;
  const refused: unknown = await on.client.workflow.execute('scheduledRun', {
    workflowId: `stale-${schedule_id}`,
    taskQueue: on.product.config.temporal.task_queue,
    args: [{ schedule_id, project_id: '00000000-0000-7000-8000-000000000001', workflow: 'stale' }],
  });
  expect(refused).toEqual({ refused: 'state_conflict' });
  expect((await on.product.call('GET', '/runs?workflow=stale')).body).toMatchObject({ items: [] });
});

it('a cron expression that Temporal could not read is refused with the definition', async () => {
  const { status, body } = await on.product.call('POST', '/workflows', {
    tag_name: 'unreadable',
    workflow: definition('unreadable', { a: transform(1) }, { schedules: [HOURLY, { cron: '99 * * * *' }] }),
  });
  expect([status, body]).toMatchObject([422, { errors: [{ path: '/schedules/1/cron' }] }]);
});

it('times that were missed are made up for by a backfill, each run with its own time', async () => {
  const [schedule] = await on.publish('missed', [{ ...HOURLY, catch_up_seconds: 7_200 }]);
  const handle = on.handle(schedule!);
  expect((await handle.describe()).policies.catchupWindow).toBe(7_200_000);
  const [start, end] = ['2026-01-01T00:30:00Z', '2026-01-01T03:30:00Z'].map((at) => new Date(at));
  await handle.backfill({ start: start!, end: end!, overlap: 'ALLOW_ALL' });
  const [found] = await eventually(
    () => on.schedules('missed'),
    ([one]) => one!.recent.length === 3,
  );
  expect(found!.recent.map(({ scheduled_at }) => scheduled_at).sort()).toEqual([
    '2026-01-01T01:00:00.000Z',
    '2026-01-01T02:00:00.000Z',
    '2026-01-01T03:00:00.000Z',
  ]);
  for (const { run_id } of found!.recent) expect((await on.product.ended(run_id)).state).toBe('completed');
});

it('the list goes page by page, by workflow, and can be that of one', async () => {
  const all = await on.schedules();
  const seen: string[] = [];
  let cursor = '';
  do {
    const { body } = await on.product.call<{ items: { id: string }[]; next_cursor: string | null }>(
      'GET',
      `/schedules?limit=2${cursor}`,
    );
    seen.push(...body.items.map(({ id }) => id));
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
  } while (cursor !== '');
  expect(seen).toEqual(all.map(({ id }) => id));
  expect(all.length).toBeGreaterThan(4);
  expect(crons(await on.schedules('policy'))).toEqual(['30 * * * *']);
  expect((await on.product.call('GET', '/schedules?limit=2&cursor=x')).status).toBe(422);
});
