import { setTimeout as pause } from 'node:timers/promises';
import { randomFrom } from '../../test/support/random.ts';
import { caller, PROJECT_ID, testStore, type TestStore } from '../../test/support/store.ts';
import type { RunSchedule, TemporalRunSchedules } from '../clients/temporal-run-schedules.ts';
import { AppError } from '../contract/errors.ts';
import { NO_METRICS } from '../contract/metrics.ts';
import type { Json } from '../contract/json.ts';
import { findLiveTag } from '../persistence/live-tags.ts';
import { scheduleRepository } from '../persistence/schedules.ts';
import { followLiveTag } from '../persistence/triggers.ts';
import { liveTagNames } from './rules/live-tag.ts';
import { plannedSchedules } from './rules/schedule-plan.ts';
import { scheduleApplier } from './schedules-apply.ts';
import { triggerService } from './triggers.ts';

const random = randomFrom(7);

let on: TestStore;
beforeEach(async () => {
  on = await testStore({ max_connections: 20 });
});
afterEach(() => on.close());

/** Temporal as far as schedules go: what it has, slow in an unforeseeable way. */
function temporalInMemory(slowest_ms = 1) {
  const has = new Map<string, RunSchedule>();
  const refuses = new Set<string>();
  let calls = 0;
  const seen = (one: RunSchedule) => ({
    shape: JSON.stringify([one.cron, one.overlap]),
    paused: false,
    next_runs: [],
  });
  const slowly = async () => {
    calls += 1;
    await pause(random.below(slowest_ms));
  };
  const temporal: TemporalRunSchedules = {
    async put(schedule) {
      await slowly();
      if (refuses.has(schedule.cron)) throw new AppError('temporal_unavailable');
      has.set(schedule.id, schedule);
      return seen(schedule);
    },
    async describe({ id }) {
      await slowly();
      const one = has.get(id);
      return one && seen(one);
    },
    async remove({ id }) {
      await slowly();
      return has.delete(id);
    },
    list: () => Promise.resolve([...has.values()]),
    ensureReconciler: () => Promise.resolve(),
  };
  return { temporal, has, refuses, calls: () => calls };
}

/** One process of several over the same database and Temporal. */
function process(temporal: TemporalRunSchedules, slowest_ms = 1) {
  const { db } = on.database;
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const schedules = scheduleRepository(db);
  const clock = () => new Date();
  const applier = scheduleApplier({ schedules, temporal, metrics: NO_METRICS, clock, onError });
  const readDefinition = async (hash: string) => {
    await pause(random.below(slowest_ms));
    return on.store.definitions.readPinned(hash);
  };
  return { ...triggerService({ db, readDefinition, applier, onError }), errors };
}

const document = (schedules: Json, value: Json = 1) => ({
  schema_version: 1,
  name: 'x',
  nodes: { a: { type: 'transform', config: { value } } },
  schedules,
});
const save = (tag: string, schedules: Json, value?: Json) =>
  on.store.workflows.save(caller, { tag, definition: document(schedules, value), expectation: {} });
const crons = (has: Map<string, RunSchedule>) =>
  [...has.values()].map(({ cron, overlap }) => `${cron} ${overlap}`).sort();

test('a look costs one statement when nothing moved, and no call of Temporal', async () => {
  const { temporal, calls } = temporalInMemory();
  const one = process(temporal);
  await save('x', [{ cron: '@daily' }]);
  await one.look();
  on.statements.length = 0;
  const before = calls();
  for (let n = 0; n < 3; n++) await one.look();
  expect([on.statements.length, calls() - before]).toEqual([3, 0]);
});

test('a move to a version with the same schedules asks nothing of Temporal', async () => {
  const { temporal, has, calls } = temporalInMemory();
  const one = process(temporal);
  await save('x', [{ cron: '@daily' }]);
  await one.look();
  const before = calls();
  await save('x', [{ cron: '@daily' }], 2);
  await one.look();
  expect([crons(has), calls() - before]).toEqual([['@daily skip'], 0]);
});

test('while a tag moves and four processes look at once, Temporal ends with what the tag says last', async () => {
  const { temporal, has } = temporalInMemory(60);
  const processes = Array.from({ length: 4 }, () => process(temporal, 40));
  const overlaps = ['skip', 'allow_all', 'buffer_one'];
  let done = false;
  const looking = processes.map(async (one) => {
    while (!done) {
      await one.look();
      await pause(random.below(5));
    }
  });
  let last: { cron: string; overlap: string }[] = [];
  for (let n = 0; n < 60; n++) {
    const all = ['@daily', '@hourly', '@weekly'].map((cron) => ({ cron, overlap: random.pick(overlaps) }));
    last = all.filter(() => random.below(2) === 0);
    await save('x', last, n);
    await pause(random.below(10));
  }
  done = true;
  await Promise.all(looking);
  await processes[0]!.look();
  expect(crons(has)).toEqual(last.map(({ cron, overlap }) => `${cron} ${overlap}`).sort());
  expect(await processes[0]!.reconcile()).toEqual({ missing: 0, changed: 0, extra: 0 });
  expect(processes.flatMap(({ errors }) => errors)).toEqual([]);
});

test('what was read before the tag went on is not written after it', async () => {
  const { db } = on.database;
  const key = { project_id: PROJECT_ID, workflow: 'x' };
  const names = liveTagNames('x');
  await save('x', [{ cron: '@daily' }]);
  const before = await findLiveTag(db, PROJECT_ID, names);
  await save('x', []);
  const stale = { names, wanted: plannedSchedules(key, { schedules: [{ cron: '@daily' }] }) };
  expect(await followLiveTag(db, key, before, stale)).toBe(false);
  expect(await followLiveTag(db, key, undefined, { names, wanted: [] })).toBe(false);
  const rows = await on.database.pool.query(
    'SELECT id FROM schedule UNION SELECT target_id FROM trigger_state',
  );
  expect(rows.rowCount).toBe(0);
});

test('what Temporal could not take is tried again later, and hinders nothing else', async () => {
  const { temporal, has, refuses } = temporalInMemory();
  const one = process(temporal);
  refuses.add('@daily');
  await save('x', [{ cron: '@daily' }, { cron: '@hourly' }]);
  await one.look();
  expect([crons(has), one.errors.length]).toEqual([['@hourly skip'], 1]);
  const error = async () => {
    const { rows } = await on.database.pool.query<{ apply_error: { code: string } | null }>(
      `SELECT apply_error FROM schedule WHERE cron = '@daily'`,
    );
    return rows[0]!.apply_error?.code ?? null;
  };
  expect(await error()).toBe('temporal_unavailable');
  refuses.clear();
  await one.look();
  expect(crons(has)).toEqual(['@hourly skip']);
  await on.database.pool.query('UPDATE schedule SET next_attempt_at = now()');
  await one.look();
  expect([crons(has), await error()]).toEqual([['@daily skip', '@hourly skip'], null]);
});

test('a definition that cannot be read hinders no other workflow', async () => {
  const { temporal, has } = temporalInMemory();
  await save('x', [{ cron: '@daily' }]);
  await save('y', [{ cron: '@hourly' }]);
  const one = process(temporal);
  const { version_hash } = (await on.store.refs.resolve(PROJECT_ID, 'x')) as { version_hash: string };
  const { db } = on.database;
  const broken = triggerService({
    db,
    readDefinition: (hash) =>
      hash === version_hash
        ? Promise.reject(new AppError('blob_corrupt'))
        : on.store.definitions.readPinned(hash),
    applier: scheduleApplier({
      schedules: scheduleRepository(db),
      temporal,
      metrics: NO_METRICS,
      clock: () => new Date(),
      onError: () => undefined,
    }),
    onError: () => undefined,
  });
  await broken.look();
  expect(crons(has)).toEqual(['@hourly skip']);
  await one.look();
  expect(crons(has)).toEqual(['@daily skip', '@hourly skip']);
});

test('workflows of one name in two projects have schedules of their own', () => {
  const of = (project_id: string) =>
    plannedSchedules({ project_id, workflow: 'x' }, { schedules: [{ cron: '@daily' }] })[0]!.id;
  expect(of(PROJECT_ID)).not.toBe(of('00000000-0000-7000-8000-000000000002'));
});
