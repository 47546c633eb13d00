import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { AppError } from '../contract/errors.ts';
import {
  MAINTENANCE_KINDS,
  MAINTENANCE_WORKFLOWS,
  type MaintenanceKind,
  type MaintenanceRequests,
} from '../contract/maintenance.ts';
import { asTemporalError } from './temporal.ts';
import { payloadValue } from './temporal-codec-plugin.ts';
import { maintenanceId } from './temporal-schedules.ts';

export type JobState = 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';

/** An execution of a maintenance workflow, as Temporal knows it. */
export interface JobExecution {
  id: string;
  kind: MaintenanceKind;
  state: JobState;
  /** What it was started with. */
  request: unknown;
  started_at: Date;
  ended_at: Date | null;
  /** The activity under way, and what it last reported. */
  activity: string | null;
  progress: unknown;
  /** Set when it has completed. */
  report: unknown;
  /** The code it failed with. */
  error: string | null;
}

/** Jobs by hand. Those that schedules start have the same ids, so that one of a kind runs at a time. */
export interface TemporalMaintenance {
  /** Starts a job; `joined` is true when one of its kind was under way, and that is answered. */
  start<K extends MaintenanceKind>(
    kind: K,
    request: MaintenanceRequests[K],
  ): Promise<{ job: JobExecution; joined: boolean }>;
  /** Undefined when there is no such job, or Temporal has forgotten it. */
  find(job_id: string): Promise<JobExecution | undefined>;
}

const STATES: Readonly<Record<string, JobState>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};
const JOB_ID = new RegExp(`^(${MAINTENANCE_KINDS.join('|')})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`);
/** A job that ends just when another is to start makes room for it at the second try. */
const ATTEMPTS = 3;

export function temporalMaintenance(
  client: Client,
  { task_queue }: { task_queue: string },
): TemporalMaintenance {
  const describe = async (kind: MaintenanceKind, run_id?: string): Promise<JobExecution> => {
    const handle = client.workflow.getHandle(maintenanceId(kind, task_queue), run_id);
    const described = await handle.describe();
    const progress = await progressOf(client, described);
    return { ...viewOf(kind, described), progress, ...(await outcomeOf(client, described)) };
  };
  const start = async (kind: MaintenanceKind, request: object) => {
    const { firstExecutionRunId } = await client.workflow.start(MAINTENANCE_WORKFLOWS[kind], {
      workflowId: maintenanceId(kind, task_queue),
      taskQueue: task_queue,
      args: [request],
      memo: { request },
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return describe(kind, firstExecutionRunId);
  };
  return {
    start: (kind, request) =>
      asking(async () => {
        for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
          try {
            return { job: await start(kind, request), joined: false };
          } catch (error) {
            if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          }
          const job = await describe(kind);
          if (job.state === 'running') return { job, joined: true };
        }
        throw new AppError('overloaded', {
          cause: new Error(`jobs of kind ${kind} keep starting and ending`),
        });
      }),
    find: (job_id) =>
      asking(async () => {
        const [, kind, run_id] = JOB_ID.exec(job_id) ?? [];
        if (kind === undefined) return undefined;
        return describe(kind as MaintenanceKind, run_id).catch(undefinedIfUnknown);
      }),
  };
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw asTemporalError(error);
  }
}

function undefinedIfUnknown(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

function viewOf(kind: MaintenanceKind, described: WorkflowExecutionDescription) {
  const { runId, status, memo, startTime, closeTime, raw } = described;
  const [pending] = raw.pendingActivities ?? [];
  return {
    id: `${kind}-${runId}`,
    kind,
    state: STATES[status.name] ?? 'running',
    request: memo?.['request'],
    started_at: startTime,
    ended_at: closeTime ?? null,
    activity: pending?.activityType?.name ?? null,
  };
}

async function progressOf(client: Client, { raw }: WorkflowExecutionDescription): Promise<unknown> {
  const [heartbeat] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
  return heartbeat ? ((await payloadValue<unknown>(client, heartbeat)) ?? null) : null;
}

async function outcomeOf(
  client: Client,
  { workflowId, runId, status }: WorkflowExecutionDescription,
): Promise<Pick<JobExecution, 'report' | 'error'>> {
  if (status.name !== 'COMPLETED' && status.name !== 'FAILED') return { report: null, error: null };
  try {
    return { report: await client.workflow.getHandle(workflowId, runId).result(), error: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { report: null, error: codeOf(error.cause) };
  }
}

function codeOf(failure: unknown): string {
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  return (cause instanceof ApplicationFailure ? cause.type : undefined) ?? 'internal';
}
