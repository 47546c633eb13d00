import { ActivityCancellationType, proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { LocalActivities, NodeActivities } from '../src/contract/activities.ts';
import type { MaintenanceActivities } from '../src/contract/maintenance.ts';
import { bookkeeping } from './bookkeeping.ts';
import type { Unit } from './unit.ts';

/** Bookkeeping: tried again for as long as the database is away, never given up. */
export const local = bookkeeping<LocalActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '5s' },
});

/** Long, and resumed where a heartbeat left off. What goes wrong for half a day is left to the next schedule. */
export const maintenance = proxyActivities<ActivityInterfaceFor<MaintenanceActivities>>({
  startToCloseTimeout: '6h',
  scheduleToCloseTimeout: '12h',
  heartbeatTimeout: '5s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** Without `timeout_seconds`: more than the sandbox (300 s) and any sane http call may take. */
const DEFAULT_TIMEOUT_SECONDS = 330;
/** Who carries a step out is alive as long as it says so. */
const HEARTBEAT_SECONDS = 5;
/** The activity ends the attempt itself at the node's timeout; Temporal's limit is for one that does not. */
const TIMEOUT_GRACE_SECONDS = 15;

/** An agent that lives takes its own tasks at once. */
const TAKEN_WITHIN = '10s';

interface Place {
  task_queue?: string;
  /** The queue is that of one agent, which may be lost: then there is no use in trying there again. */
  is_one_agent?: boolean;
}

/**
 * The activity of one unit. Temporal retries only what the engine lost (a dead worker, an absent
 * database); a failure of the work is a result, and the interpreter decides on another attempt.
 */
export function nodeActivities(
  { body, key }: Unit,
  { task_queue, is_one_agent = false }: Place = {},
): ActivityInterfaceFor<NodeActivities> {
  return proxyActivities<NodeActivities>({
    taskQueue: task_queue,
    startToCloseTimeout: ((body.timeout_seconds ?? DEFAULT_TIMEOUT_SECONDS) + TIMEOUT_GRACE_SECONDS) * 1_000,
    heartbeatTimeout: (body.heartbeat_seconds ?? HEARTBEAT_SECONDS) * 1_000,
    ...(is_one_agent ? { scheduleToStartTimeout: TAKEN_WITHIN } : {}),
    retry: {
      ...(is_one_agent ? { maximumAttempts: 1 } : {}),
      initialInterval: '100ms',
      backoffCoefficient: 2,
      maximumInterval: '10s',
      nonRetryableErrorTypes: ['TemporalTimeout:StartToClose'],
    },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: key,
  });
}
