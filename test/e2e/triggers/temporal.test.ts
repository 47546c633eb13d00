import { randomUUID } from 'node:crypto';
import { connectTemporal, type TemporalLink } from '../../../src/clients/temporal-link.ts';
import { cronProblem } from '../../../src/domain/rules/cron.ts';
import { testTemporal } from '../../support/stack.ts';

let link: TemporalLink;

beforeAll(async () => {
  const task_queue = `test-${randomUUID()}`;
  link = await connectTemporal({ address: testTemporal(), namespace: 'default', task_queue, eager: false });
});
afterAll(() => link?.close());

const schedule = (cron: string, time_zone = 'UTC') => ({
  id: randomUUID(),
  project_id: randomUUID(),
  workflow: 'cron',
  cron,
  time_zone,
  overlap: 'skip' as const,
  catch_up_seconds: 0,
});

it.each([
  '*/5 2-4 * * MON',
  '0 0 1,15 jan-jun 1-5',
  '30 6 * * 7',
  '0 12 * * * 2030',
  '0/15 0 12 * * * *',
  '0 30 6 1-7/2 * mon 2030-2040',
  '0  0   * * *',
  '@midnight',
  '@every 12h/30m',
])('a cron expression we accept Temporal accepts too: %s', async (cron) => {
  expect(cronProblem(cron)).toBeUndefined();
  const planned = schedule(cron, 'Europe/Berlin');
  expect((await link.schedules.put(planned)).next_runs.length).toBeGreaterThan(0);
  await link.schedules.remove(planned);
});

it.each(['99 * * * *', '@every 5x', 'a b c d e', '* * * 13 *'])('%s is refused by both', async (cron) => {
  expect(cronProblem(cron)).toBeDefined();
  await expect(link.schedules.put(schedule(cron))).rejects.toMatchObject({ code: 'validation_failed' });
});

it('is put twice as once, described, listed, and removed once', async () => {
  const planned = schedule('0 6 * * *');
  const first = await link.schedules.put(planned);
  expect(await link.schedules.put(planned)).toEqual(first);
  expect(await link.schedules.describe(planned)).toEqual(first);
  while (!(await link.schedules.list()).some(({ id }) => id === planned.id))
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect([await link.schedules.remove(planned), await link.schedules.remove(planned)]).toEqual([true, false]);
  expect(await link.schedules.describe(planned)).toBeUndefined();
});
