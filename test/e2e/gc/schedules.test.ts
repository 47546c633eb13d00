import { Client, Connection, type ScheduleHandle } from '@temporalio/client';
import { connectTemporal, type TemporalLink } from '../../../src/clients/temporal-link.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';

const HOURS = {
  ORCHESTRATOR_STORE_GC_INTERVAL_HOURS: '24',
  ORCHESTRATOR_STORE_FSCK_INTERVAL_HOURS: '168',
  ORCHESTRATOR_RUNS_RETENTION_INTERVAL_HOURS: '1',
  ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '30',
};
const KINDS = ['gc', 'fsck', 'retention', 'reconcile'] as const;

let product: Product;
let connection: Connection;
let client: Client;
let link: TemporalLink;

beforeAll(async () => {
  product = await startProduct({ env: HOURS });
  connection = await Connection.connect({ address: testTemporal() });
  client = new Client({ connection });
  const { namespace, task_queue } = product.config.temporal;
  link = await connectTemporal({ address: testTemporal(), namespace, task_queue, eager: false });
});

afterAll(async () => {
  await link?.ensureSchedules(every(0));
  await link?.close();
  await connection?.close();
  await product?.stop();
});

const every = (hours: number) => {
  const every_seconds = hours * 3_600;
  return {
    gc: { every_seconds, request: { grace_seconds: 7 } },
    fsck: { every_seconds, request: {} },
    retention: { every_seconds, request: {} },
    reconcile: { every_seconds, request: {} },
  };
};
const idOf = (kind: string) => `orchestrator-${kind}:${product.config.temporal.task_queue}`;
const scheduleOf = (kind: string): ScheduleHandle => client.schedule.getHandle(idOf(kind));
const intervals = async () =>
  Promise.all(
    KINDS.map(async (kind) => {
      const { spec, policies, action } = await scheduleOf(kind).describe();
      return {
        spec: spec.intervals,
        overlap: policies.overlap,
        type: action.workflowType,
        args: action.args,
      };
    }),
  );
const HOUR = 3_600_000;

/** The state of the newest job of a kind, once there is one that `wanted` is true for. */
async function job(kind: string, wanted: (status: string) => boolean) {
  for (;;) {
    const found = await client.workflow
      .getHandle(idOf(kind))
      .describe()
      .catch(() => undefined);
    if (found && wanted(found.status.name)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('are there when a worker has started, as the configuration says, and starting again changes nothing', async () => {
  const before = await intervals();
  expect(before.map(({ spec }) => spec)).toEqual([
    [{ every: 24 * HOUR, offset: 3 * HOUR }],
    [{ every: 168 * HOUR, offset: 4 * HOUR }],
    [{ every: HOUR, offset: 0 }],
    [{ every: 30_000, offset: 0 }],
  ]);
  for (const { overlap, type } of before) expect([overlap, type]).toEqual(['SKIP', 'scheduledMaintenance']);
  expect(before[0]!.args).toEqual([
    { kind: 'gc', workflow_id: idOf('gc'), request: { grace_seconds: 1_209_600 } },
  ]);
  const { gc_grace_seconds: grace_seconds } = product.config.store;
  const same = every(1);
  await Promise.all(
    [1, 2, 3].map(() =>
      link.ensureSchedules({
        gc: { every_seconds: 86_400, request: { grace_seconds } },
        fsck: { every_seconds: 604_800, request: {} },
        retention: same.retention,
        reconcile: { every_seconds: 30, request: {} },
      }),
    ),
  );
  expect(await intervals()).toEqual(before);
});

it('start the job under the one id of its kind, with what the configuration says', async () => {
  await scheduleOf('retention').trigger();
  const done = await job('retention', (status) => status === 'COMPLETED');
  expect([done.type, await client.workflow.getHandle(idOf('retention')).result()]).toEqual([
    'retention',
    { runs: 0, approvals: 0, findings: 0, frames: 0 },
  ]);
});

it('start nothing while one of the kind is under way', async () => {
  const lock = await product.database.pool.connect();
  await lock.query('BEGIN');
  await lock.query('LOCK TABLE tag IN ACCESS EXCLUSIVE MODE');
  try {
    const asked = await product.call('POST', '/admin/gc?wait=0', { grace_seconds: 60 });
    expect(asked.status).toBe(202);
    const { runId } = await job('gc', (status) => status === 'RUNNING');
    await scheduleOf('gc').trigger();
    const started = await scheduled('gc');
    expect(await client.workflow.getHandle(started).result()).toBe('skipped');
    expect((await job('gc', (status) => status === 'RUNNING')).runId).toBe(runId);
  } finally {
    await lock.query('ROLLBACK');
    lock.release(true);
  }
  await job('gc', (status) => status === 'COMPLETED');
});

/** The id of the execution that a schedule started last. */
async function scheduled(kind: string): Promise<string> {
  for (;;) {
    const { info } = await scheduleOf(kind).describe();
    const action = info.recentActions.at(-1)?.action;
    if (action?.type === 'startWorkflow') return action.workflow.workflowId;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('follow a changed configuration, stay paused when an operator has paused them, and go with an interval of 0', async () => {
  await scheduleOf('gc').pause('for a while');
  await link.ensureSchedules(every(2));
  const described = await scheduleOf('gc').describe();
  expect(described).toMatchObject({
    state: { paused: true, note: 'for a while' },
    spec: { intervals: [{ every: 2 * HOUR, offset: HOUR }] },
  });
  await link.ensureSchedules(every(0));
  await link.ensureSchedules(every(0));
  for (const kind of KINDS) await expect(scheduleOf(kind).describe()).rejects.toThrow(/not found/i);
});
