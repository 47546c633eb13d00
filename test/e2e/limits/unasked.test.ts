import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import { eventually, startTriggered, type Triggered } from '../triggers/triggered.ts';

/** Runs that no request asks for, in a project that may have one run open. */
let on: Triggered;

beforeAll(async () => {
  on = await startTriggered();
  const path = `/projects/${DEFAULT_PROJECT_ID}/settings`;
  expect((await on.product.call('PUT', path, { max_open_runs: 1 })).status).toBe(200);
  await on.product.publish('held', definition('held', { w: wait(3_600) }));
});
afterAll(() => on?.stop());

const fired = (code: string | null) =>
  eventually(
    () => on.schedules('often'),
    ([one]) => (one!.last_error?.code ?? null) === code && one!.recent.length > 0 === (code === null),
    120,
  );

it('a schedule that fires over the quota begins no run, and says so; the next one does when there is room', async () => {
  const [schedule] = await on.publish('often', [{ cron: '@yearly' }]);
  const { id } = await on.product.start('held');
  await on.fire(schedule!);
  const [refused] = await fired('quota_exceeded');
  expect(refused!.last_error).toMatchObject({
    message: expect.any(String) as string,
    scheduled_at: expect.any(String) as string,
  });
  await on.product.call('POST', `/runs/${id}/cancel`, {});
  await on.product.ended(id);
  await on.fire(schedule!);
  const [begun] = await fired(null);
  expect(await on.product.ended(begun!.recent[0]!.run_id)).toMatchObject({
    state: 'completed',
    created_by: `schedule:${schedule!.id}`,
  });
});

it('children count as their parent, whose run was counted', async () => {
  await on.product.publish('child', definition('child', { a: transform(1) }));
  const call = { type: 'run', config: { workflow: 'child' } };
  await on.product.publish('parent', definition('parent', { one: call, two: call }));
  const { id } = await on.product.start('parent');
  expect(await on.product.ended(id)).toMatchObject({ state: 'completed' });
  const children = await on.product.call<{ items: object[] }>('GET', `/runs?parent_run_id=${id}`);
  expect(children.body.items).toHaveLength(2);
});
