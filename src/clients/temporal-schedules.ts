import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
} from '@temporalio/client';
import {
  MAINTENANCE_KINDS,
  type MaintenanceKind,
  type MaintenanceRequests,
} from '../contract/maintenance.ts';

export interface MaintenanceSchedule<K extends MaintenanceKind = MaintenanceKind> {
  /** 0: never. */
  every_hours: number;
  request: MaintenanceRequests[K];
}

export type MaintenanceSchedules = { [K in MaintenanceKind]: MaintenanceSchedule<K> };

/** One task queue to a namespace is the rule; a second installation in it has ids of its own. */
const USUAL_TASK_QUEUE = 'orchestrator-task-queue';
/** What deletes runs comes first, so that the collection behind it takes what they alone needed. Hours after midnight, UTC. */
const HOUR_OF: Readonly<Record<MaintenanceKind, number>> = { retention: 2, gc: 3, fsck: 4 };

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
    const { every_hours, request } = schedules[kind];
    if (every_hours === 0) await remove(client, id);
    else await put(client, scheduleOf({ id, kind, task_queue, every_hours, request }));
  }
}

interface Wanted {
  id: string;
  kind: MaintenanceKind;
  task_queue: string;
  every_hours: number;
  request: object;
}

function scheduleOf({ id, kind, task_queue, every_hours, request }: Wanted) {
  return {
    scheduleId: id,
    spec: { intervals: [{ every: `${every_hours}h`, offset: `${HOUR_OF[kind] % every_hours}h` }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledMaintenance',
      workflowId: `${id}-scheduled`,
      taskQueue: task_queue,
      args: [{ kind, workflow_id: id, request }],
    },
    // What a long absence has missed is made up for once.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: `${every_hours}h` },
  } satisfies ScheduleOptions;
}

async function put(client: Client, schedule: ReturnType<typeof scheduleOf>): Promise<void> {
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
