import {
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  type ActivityInterfaceFor,
  ChildWorkflowFailure,
  ParentClosePolicy,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { FinalState } from '../src/contract/run.ts';
import type {
  Firing,
  OpenedFiring,
  ScheduleActivities,
  ScheduledRunInput,
  ScheduledRunResult,
  ScheduleReport,
} from '../src/contract/schedules.ts';
import type { DagInput } from '../src/contract/workflows.ts';
import { bookkeeping } from './bookkeeping.ts';
import { startDag } from './start-dag.ts';

type Activities = ActivityInterfaceFor<ScheduleActivities>;

/** Tried again for as long as the database is away: a firing is late then, not lost. */
const firing = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});
const local = bookkeeping<ScheduleActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});
/** What fails for long is left to the next time. */
const repair = proxyActivities<Activities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 3 },
});

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 10_000;
/** Well below the length of history that Temporal warns at. */
const LOOKS = 1_000;

/** Makes Temporal's schedules those of the live definitions. */
export async function reconcileSchedules(): Promise<ScheduleReport> {
  return repair.repairSchedules();
}

/**
 * One firing of a schedule: opens the run and lasts until that has ended, so that Temporal's overlap policies speak of runs.
 * A cancel is passed on as a command; the execution is cancelled when the run has ended. One that is terminated leaves
 * its run alone.
 */
export async function scheduledRun(input: ScheduledRunInput): Promise<ScheduledRunResult> {
  const cancel = CancellationScope.current().cancelRequested.catch(() => undefined);
  return CancellationScope.nonCancellable(async () => {
    const opened = await openedBy(input);
    if ('refused' in opened) return opened;
    const { run_id } = opened;
    const stop = { is_asked: false };
    void cancel.then(() => {
      stop.is_asked = true;
      return local.cancelScheduledRun({ ...actionOf(input), run_id });
    });
    const state = (await endOfChild(opened)) ?? (await endOfRun(run_id, stop));
    if (state === undefined) return continueAsNew<typeof scheduledRun>({ ...input, awaiting: run_id });
    if (stop.is_asked) throw new CancelledFailure('The run was cancelled with its firing.');
    return { run_id, state };
  });
}

function openedBy(input: ScheduledRunInput): OpenedFiring | Promise<OpenedFiring> {
  const { awaiting, ...schedule } = input;
  if (awaiting !== undefined) return { run_id: awaiting, start: null };
  const { typedSearchAttributes, startTime } = workflowInfo();
  const scheduled_at = (typedSearchAttributes.get(SCHEDULED_AT) ?? startTime).toISOString();
  return firing.openScheduledRun({ ...schedule, ...actionOf(input), scheduled_at });
}

function actionOf({ project_id }: ScheduledRunInput): Pick<Firing, 'action_id' | 'project_id'> {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return { project_id, action_id: `${workflowId}/${firstExecutionRunId}` };
}

/** The run as a child; undefined when it is not ours to start, or somebody else has started it. */
async function endOfChild({
  run_id,
  start,
}: {
  run_id: string;
  start: DagInput | null;
}): Promise<FinalState | undefined> {
  if (!start) return undefined;
  try {
    const child = await startDag(start, ParentClosePolicy.ABANDON);
    await child.result().catch((error: unknown) => {
      if (!(error instanceof ChildWorkflowFailure)) throw error;
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return (await local.endOfRun({ run_id })) ?? undefined;
}

/** Looks at the run until it has ended, less and less often; undefined when the history has become long. */
async function endOfRun(run_id: string, stop: { is_asked: boolean }): Promise<FinalState | undefined> {
  let wait_ms = FIRST_LOOK_MS;
  for (let look = 0; look < LOOKS; look += 1) {
    const state = await local.endOfRun({ run_id });
    if (state) return state;
    const was_asked = stop.is_asked;
    const is_news = await condition(() => stop.is_asked !== was_asked, wait_ms);
    wait_ms = is_news ? FIRST_LOOK_MS : Math.min(wait_ms * 2, LAST_LOOK_MS);
  }
  return undefined;
}
