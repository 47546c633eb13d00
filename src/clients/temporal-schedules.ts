import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
} from '@temporalio/client';
import type { HealthWorkflows } from '../contract/health.ts';
import {
  MAINTENANCE_KINDS,
  type MaintenanceKind,
  type MaintenanceRequests,
} from '../contract/maintenance.ts';

export interface MaintenanceSchedule<K extends MaintenanceKind = MaintenanceKind> {
  /** 0: never. */
  every_seconds: number;
  request: MaintenanceRequests[K];
}

export type MaintenanceSchedules = { [K in MaintenanceKind]: MaintenanceSchedule<K> };

/** One task queue to a namespace is the rule; a second installation in it has ids of its own. */
const USUAL_TASK_QUEUE = 'orchestrator-task-queue';
const HOUR = 3_600;
/** The least Temporal knows. */
const LEAST_CATCH_UP = '10s';
/** What deletes runs comes first, so that the collection behind it takes what they alone needed. After midnight, UTC. */
const SECONDS_OF: Readonly<Record<MaintenanceKind, number>> = {
  reconcile: 0,
  retention: 2 * HOUR,
  gc: 3 * HOUR,
  fsck: 4 * HOUR,
};

/** The id of the schedule of a kind, and of the one job of that kind that runs at a time. */
export function maintenanceId(kind: MaintenanceKind, task_queue: string): string {
  return task_queue === USUAL_TASK_QUEUE ? `orchestrator-${kind}` : `orchestrator-${kind}:${task_queue}`;
}

/**
 * Makes the schedules what the configuration says. Any number of processes may do so, at every start. A schedule that an
 * operator has paused stays paused.
 */
export async function ensureSchedules(
  client: Client,
  task_queue: string,
  schedules: MaintenanceSchedules,
): Promise<void> {
  for (const kind of MAINTENANCE_KINDS) {
    const id = maintenanceId(kind, task_queue);
    const { every_seconds, request } = schedules[kind];
    if (every_seconds === 0) await remove(client, id);
    else await put(client, scheduleOf({ id, kind, task_queue, every_seconds, request }));
  }
}

/**
 * Makes the schedule of the health sweep what the configuration says; 0 is never. Its workflow is started directly: what is
 * done every few seconds has to be cheap.
 */
export async function ensureHealthSweep(
  client: Client,
  task_queue: string,
  every_seconds: number,
): Promise<void> {
  const id = `orchestrator-health:${task_queue}`;
  if (every_seconds === 0) return remove(client, id);
  await put(client, {
    scheduleId: id,
    spec: { intervals: [{ every: `${every_seconds}s` }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'healthSweep' satisfies keyof HealthWorkflows,
      workflowId: id,
      taskQueue: task_queue,
      args: [],
    },
    // The sweep after an absence judges all of it.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: LEAST_CATCH_UP },
  });
}

interface Wanted {
  id: string;
  kind: MaintenanceKind;
  task_queue: string;
  every_seconds: number;
  request: object;
}

function scheduleOf({ id, kind, task_queue, every_seconds, request }: Wanted) {
  return {
    scheduleId: id,
    spec: { intervals: [{ every: `${every_seconds}s`, offset: `${SECONDS_OF[kind] % every_seconds}s` }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledMaintenance',
      workflowId: `${id}-scheduled`,
      taskQueue: task_queue,
      args: [{ kind, workflow_id: id, request }],
    },
    // What a long absence has missed is made up for once.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: `${every_seconds}s` },
  } satisfies ScheduleOptions;
}

async function put(
  client: Client,
  schedule: ScheduleOptions & Required<Pick<ScheduleOptions, 'policies'>>,
): Promise<void> {
  const { spec, action, policies } = schedule;
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(schedule.scheduleId);
    await handle.update((before) => ({ ...before, spec, action, policies }));
  }
}

async function remove(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
