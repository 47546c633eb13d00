import type { RunBody } from '../../support/api-client.ts';
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

const WAITS = { w: { type: 'wait', config: { event: 'go', timeout_seconds: 600 } } };

/** A workflow with one schedule of this policy, whose runs wait until they are let go. */
async function overlapping(overlap: string, more = {}) {
  const workflow = overlap.replace('_', '-') + (Object.keys(more).length > 0 ? '-limited' : '');
  const [schedule] = await on.publish(workflow, [{ cron: '@yearly', overlap }], { nodes: WAITS, ...more });
  const runs = async () => {
    const { body } = await on.product.call<{ items: RunBody[] }>('GET', `/runs?workflow=${workflow}`);
    return body.items.reverse();
  };
  const states = async () => (await runs()).map(({ state }) => state);
  return {
    runs,
    states,
    handle: on.handle(schedule!),
    fire: () => on.fire(schedule!),
    /** Waits until the runs are in these states, oldest first. */
    become: (...wanted: string[]) => eventually(states, (now) => now.join() === wanted.join()),
    letGo: (run: RunBody) => on.product.call('POST', `/runs/${run.id}/events/go`, {}),
  };
}

it('skip: nothing begins while a run goes on', async () => {
  const { fire, become, runs, handle, letGo } = await overlapping('skip');
  await fire();
  await become('running');
  await fire();
  await eventually(
    () => handle.describe(),
    ({ info }) => info.numActionsSkippedOverlap === 1,
  );
  await letGo((await runs())[0]!);
  await become('completed');
  await eventually(
    () => handle.describe(),
    ({ info }) => info.runningActions.length === 0,
  );
  await fire();
  await become('completed', 'running');
});

it('buffer_one: one begins when the run has ended, however often it fired', async () => {
  const { fire, become, runs, handle, letGo } = await overlapping('buffer_one');
  await fire();
  await become('running');
  for (let n = 0; n < 3; n++) await fire();
  await become('running');
  await letGo((await runs())[0]!);
  await become('completed', 'running');
  await letGo((await runs())[1]!);
  await become('completed', 'completed');
  await eventually(
    () => handle.describe(),
    ({ info }) => info.runningActions.length === 0,
  );
  expect((await handle.describe()).info.numActionsSkippedOverlap).toBe(2);
});

it('buffer_all: each begins when the one before has ended', async () => {
  const { fire, become, runs, letGo } = await overlapping('buffer_all');
  await fire();
  for (let n = 0; n < 2; n++) await fire();
  await become('running');
  await letGo((await runs())[0]!);
  await become('completed', 'running');
  await letGo((await runs())[1]!);
  await become('completed', 'completed', 'running');
});

it('cancel_other: the run is cancelled, and the next begins when it has ended', async () => {
  const { fire, become, runs } = await overlapping('cancel_other');
  await fire();
  await become('running');
  await fire();
  await become('cancelled', 'running');
  const [first, second] = await runs();
  expect(first!.reason).toBe('Its schedule was told to cancel it.');
  expect(Date.parse(String(second!.created_at))).toBeGreaterThanOrEqual(Date.parse(String(first!.ended_at)));
});

it('terminate_other: the run is terminated and the next begins', async () => {
  const { fire, become, runs } = await overlapping('terminate_other');
  await fire();
  await become('running');
  await fire();
  await become('terminated', 'running');
  await fire();
  await become('terminated', 'terminated', 'running');
  const [, second, third] = await runs();
  expect(second!.reason).toBe(`The schedule has begun run ${third!.id}.`);
});

it('allow_all: runs go on beside each other', async () => {
  const { fire, become } = await overlapping('allow_all');
  await fire();
  await fire();
  await become('running', 'running');
});

it('a run that waits for its turn under a limit is not begun before it, and its firing ends with it', async () => {
  const limit = { concurrency: { limit: 1 } };
  const { fire, become, runs, handle, letGo } = await overlapping('allow_all', limit);
  await fire();
  await fire();
  await become('running', 'queued');
  await letGo((await runs())[0]!);
  await become('completed', 'running');
  await letGo((await runs())[1]!);
  await become('completed', 'completed');
  const { recentActions } = (await handle.describe()).info;
  const results = recentActions.map(({ action }) =>
    on.client.workflow.getHandle(action.workflow.workflowId).result(),
  );
  const ended = (await runs()).map(({ id: run_id }) => ({ run_id, state: 'completed' }));
  expect(await Promise.all(results)).toEqual(ended);
});

it('a firing that is cancelled in Temporal takes its run with it, and one that is terminated leaves it alone', async () => {
  const { fire, become, runs, handle, letGo } = await overlapping('skip', { params: { n: 1 } });
  const action = async () => {
    const { info } = await eventually(
      () => handle.describe(),
      (found) => found.info.runningActions.length > 0,
    );
    return on.client.workflow.getHandle(info.runningActions[0]!.workflow.workflowId);
  };
  await fire();
  await become('running');
  const first = await action();
  await first.cancel();
  await become('cancelled');
  await eventually(
    () => first.describe(),
    ({ status }) => status.name === 'CANCELLED',
  );
  await eventually(
    () => handle.describe(),
    ({ info }) => info.runningActions.length === 0,
  );
  await fire();
  await become('cancelled', 'running');
  await (await action()).terminate();
  await letGo((await runs())[1]!);
  await become('cancelled', 'completed');
});
