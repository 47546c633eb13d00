import {
  type Client,
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { AppError } from '../contract/errors.ts';
import type { Schedule } from '../contract/definition.ts';
import type { ScheduledRunInput } from '../contract/schedules.ts';
import { SEARCH_ATTRIBUTES } from '../contract/workflows.ts';
import { asTemporalError } from './temporal.ts';

/** What Temporal is to have. */
export interface RunSchedule {
  id: string;
  project_id: string;
  workflow: string;
  cron: string;
  time_zone: string;
  overlap: NonNullable<Schedule['overlap']>;
  catch_up_seconds: number;
}

/** What Temporal has. */
export interface SeenSchedule {
  /** When it fires, what it starts and by which policies, in Temporal's own words: the same text, the same schedule. */
  shape: string;
  paused: boolean;
  next_runs: Date[];
}

type Named = Pick<RunSchedule, 'id' | 'workflow'>;

/** Schedules of runs in Temporal. Every call may be repeated; trouble on the way is `temporal_unavailable`. */
export interface TemporalRunSchedules {
  /**
   * Makes the schedule what it should be, paused or not as it was, and answers what Temporal then has. Throws
   * `validation_failed` when Temporal cannot read the cron expression.
   */
  put(schedule: RunSchedule): Promise<SeenSchedule>;
  /** Undefined when Temporal has none. */
  describe(schedule: Named): Promise<SeenSchedule | undefined>;
  /** False when there was none. */
  remove(schedule: Named): Promise<boolean>;
  /** Every schedule of a run there is; one that was just made or removed may be missing or still be there. */
  list(): Promise<Named[]>;
  /** Makes the schedule that holds all others to the tags; 0 removes it. */
  ensureReconciler(every_seconds: number): Promise<void>;
}

const OVERLAP: Readonly<Record<RunSchedule['overlap'], ScheduleOverlapPolicy>> = {
  skip: ScheduleOverlapPolicy.SKIP,
  buffer_one: ScheduleOverlapPolicy.BUFFER_ONE,
  buffer_all: ScheduleOverlapPolicy.BUFFER_ALL,
  cancel_other: ScheduleOverlapPolicy.CANCEL_OTHER,
  terminate_other: ScheduleOverlapPolicy.TERMINATE_OTHER,
  allow_all: ScheduleOverlapPolicy.ALLOW_ALL,
};
const TYPE = 'schedule';
const NAME = /^schedule:([^:]+):([0-9a-f-]{36})@(.+)$/;
/** The least Temporal knows. */
const MIN_CATCH_UP_SECONDS = 10;
/** Of gRPC. */
const INVALID_ARGUMENT = 3;
const FAILED_PRECONDITION = 9;

export function temporalRunSchedules(
  client: Client,
  { task_queue }: { task_queue: string },
): TemporalRunSchedules {
  // Two installations may share a namespace; what tells them apart is the task queue.
  const nameOf = ({ id, workflow }: Named) => `schedule:${workflow}:${id}@${task_queue}`;
  const handleOf = (schedule: Named) => client.schedule.getHandle(nameOf(schedule));
  return {
    put: (schedule) =>
      asking(async () => {
        await put(client, optionsOf(schedule, nameOf(schedule), task_queue)).catch(unreadable);
        return seen(await handleOf(schedule).describe());
      }),
    describe: (schedule) => asking(() => handleOf(schedule).describe().then(seen, absent(undefined))),
    remove: (schedule) =>
      asking(() =>
        handleOf(schedule)
          .delete()
          .then(() => true, absent(false)),
      ),
    list: () =>
      asking(async () => {
        const found: Named[] = [];
        const query = `${SEARCH_ATTRIBUTES.type} = '${TYPE}'`;
        for await (const { scheduleId } of client.schedule.list({ query, pageSize: 1_000 })) {
          const [, workflow = '', id = '', queue] = NAME.exec(scheduleId) ?? [];
          if (queue === task_queue) found.push({ workflow, id });
        }
        return found;
      }),
    ensureReconciler: (every_seconds) =>
      asking(async () => {
        const options = reconcilerOf(task_queue, every_seconds);
        if (every_seconds > 0) await put(client, options);
        else await client.schedule.getHandle(options.scheduleId).delete().catch(absent(undefined));
      }),
  };
}

function optionsOf(schedule: RunSchedule, name: string, task_queue: string) {
  const { id: schedule_id, project_id, workflow, cron, time_zone, overlap, catch_up_seconds } = schedule;
  return {
    scheduleId: name,
    spec: { cronExpressions: [cron], timezone: time_zone },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledRun',
      workflowId: name,
      taskQueue: task_queue,
      args: [{ schedule_id, project_id, workflow } satisfies ScheduledRunInput],
      staticSummary: workflow,
    },
    policies: {
      overlap: OVERLAP[overlap],
      catchupWindow: Math.max(catch_up_seconds, MIN_CATCH_UP_SECONDS) * 1_000,
    },
    searchAttributes: {
      [SEARCH_ATTRIBUTES.workflow]: [workflow],
      [SEARCH_ATTRIBUTES.project]: [project_id],
      [SEARCH_ATTRIBUTES.type]: [TYPE],
    },
  } satisfies ScheduleOptions;
}

function reconcilerOf(task_queue: string, every_seconds: number) {
  const name = `orchestrator-schedules:${task_queue}`;
  return {
    scheduleId: name,
    spec: { intervals: [{ every: every_seconds * 1_000 }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'reconcileSchedules',
      workflowId: name,
      taskQueue: task_queue,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: MIN_CATCH_UP_SECONDS * 1_000 },
  } satisfies ScheduleOptions;
}

async function put(client: Client, schedule: ScheduleOptions): Promise<void> {
  const { spec, action, policies } = schedule;
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(schedule.scheduleId);
    await handle.update(({ state: { paused, note }, searchAttributes }) => ({
      spec,
      action: { ...action, workflowId: action.workflowId! },
      policies,
      // A limit of actions is not ours; a pause is the operator's.
      state: { paused, note },
      searchAttributes: schedule.searchAttributes ?? searchAttributes,
    }));
  }
}

function seen({ spec, action, policies, state, info }: ScheduleDescription): SeenSchedule {
  const { workflowType, workflowId, taskQueue, args } = action;
  const is_limited = state.remainingActions !== undefined;
  const shape = { spec, action: { workflowType, workflowId, taskQueue, args }, policies, is_limited };
  return { shape: JSON.stringify(shape), paused: state.paused, next_runs: info.nextActionTimes };
}

/** One that is just going says that its execution has closed. */
function absent<T>(answer: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof ScheduleNotFoundError || refusalOf(error)?.code === FAILED_PRECONDITION)
      return answer;
    throw error;
  };
}

function refusalOf(error: unknown): { code: number; details: string } | undefined {
  const { cause } = error as { cause?: unknown };
  return isGrpcServiceError(cause) ? cause : undefined;
}

/** A spec that Temporal cannot read is a `TypeError` of its SDK, or an invalid argument. */
function unreadable(error: unknown): never {
  const refusal = refusalOf(error);
  if (refusal?.code === INVALID_ARGUMENT)
    throw new AppError('validation_failed', { detail: refusal.details });
  if (error instanceof TypeError) throw new AppError('validation_failed', { detail: error.message });
  throw error;
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw asTemporalError(error);
  }
}
