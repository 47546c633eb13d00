import type { Schedule } from '../../contract/definition.ts';
import { plannedSchedules, scheduleWithId } from './schedule-plan.ts';

const owner = { project_id: 'p', workflow: 'w' };
const idsOf = (schedules: Schedule[], of = owner) => plannedSchedules(of, { schedules }).map(({ id }) => id);
const nightly: Schedule = { cron: '0 2 * * *' };

test('what a definition leaves out is filled in', () => {
  expect(plannedSchedules(owner, { schedules: [nightly] })).toEqual([
    {
      id: idsOf([nightly])[0],
      cron: '0 2 * * *',
      time_zone: 'UTC',
      overlap: 'skip',
      catch_up_seconds: 86_400,
    },
  ]);
  expect(plannedSchedules(owner, {})).toEqual([]);
});

test.each<[string, Schedule]>([
  ['its defaults written out', { ...nightly, time_zone: 'UTC', input: {} }],
  ['another overlap policy', { ...nightly, overlap: 'allow_all' }],
  ['another catch-up window', { ...nightly, catch_up_seconds: 1 }],
])('a schedule with %s is the same one', (_, changed) => {
  expect(idsOf([changed])).toEqual(idsOf([nightly]));
});

test.each<[string, Schedule]>([
  ['another time', { cron: '0 3 * * *' }],
  ['another time zone', { ...nightly, time_zone: 'Asia/Tokyo' }],
  ['another input', { ...nightly, input: { region: 'eu' } }],
])('a schedule with %s is another one', (_, changed) => {
  expect(idsOf([changed])).not.toEqual(idsOf([nightly]));
});

test('an id does not depend on where the schedule stands, but on whose it is', () => {
  const other: Schedule = { cron: '@hourly' };
  expect(idsOf([other, nightly]).reverse()).toEqual(idsOf([nightly, other]));
  expect(idsOf([nightly], { ...owner, workflow: 'v' })).not.toEqual(idsOf([nightly]));
  expect(idsOf([nightly], { ...owner, project_id: 'q' })).not.toEqual(idsOf([nightly]));
});

test('equal ones have an id each, and keep them', () => {
  const ids = idsOf([nightly, nightly]);
  expect(new Set(ids).size).toBe(2);
  expect(idsOf([nightly])).toEqual(ids.slice(0, 1));
});

test('the schedule behind an id is found as it is written', () => {
  const schedules = [nightly, { ...nightly, input: 7 }];
  const [first, second] = idsOf(schedules);
  expect(scheduleWithId(owner, { schedules }, first!)).toBe(schedules[0]);
  expect(scheduleWithId(owner, { schedules }, second!)).toBe(schedules[1]);
  expect(scheduleWithId(owner, { schedules: [] }, first!)).toBeUndefined();
});
