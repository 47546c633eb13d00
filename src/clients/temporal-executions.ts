import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type proto from '@temporalio/proto';
import { RUN_STATES, type RunState } from '../contract/run.ts';
import { SEARCH_ATTRIBUTES, type DagResult } from '../contract/workflows.ts';
import { asTemporalError } from './temporal.ts';
import { payloadValue } from './temporal-codec-plugin.ts';

/** How an execution closed, as Temporal says it. */
export type CloseStatus = 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';

/** The newest execution of a run. */
export interface Execution {
  temporal_run_id: string;
  /** Undefined while it is open. */
  closed_as: CloseStatus | undefined;
  /** The state its workflow says it is in; one that has just begun says none. */
  state: RunState | undefined;
  /** Steps, timers and workflow tasks are under way or due: it has not come to rest. */
  is_busy: boolean;
}

/** Why an execution closed, from its last event. */
export interface Closing {
  /** What the workflow returned. */
  result?: DagResult;
  /** The reason given with a termination. */
  reason?: string;
  /** The code that the execution failed with. */
  code?: string;
}

export interface OpenExecution {
  run_id: string;
  temporal_run_id: string;
}

/** What Temporal knows about the executions of runs. Trouble on the way is `temporal_unavailable`. */
export interface TemporalExecutions {
  /** Every open execution of a run on our task queue, page by page: one call for each 1,000. */
  open(): AsyncIterable<OpenExecution[]>;
  /** Undefined when Temporal has no execution under this id, or has forgotten it. */
  describe(run_id: string): Promise<Execution | undefined>;
  /** Whether the execution came from a reset, as opposed to a start or continue-as-new. */
  isReset(execution: OpenExecution): Promise<boolean>;
  closing(execution: OpenExecution): Promise<Closing>;
}

type History = proto.temporal.api.history.v1.IHistoryEvent;

const PAGE = 1_000;
const CLOSED_AS: Readonly<Record<string, CloseStatus>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD);
const FILTER = { all: 1, close: 2 } as const;

export function temporalExecutions(
  client: Client,
  { task_queue }: { task_queue: string },
): TemporalExecutions {
  const { namespace } = client.options;
  const open_query = `TaskQueue = '${task_queue.replaceAll("'", "''")}' AND ExecutionStatus = 'Running' AND ${SEARCH_ATTRIBUTES.type} IS NOT NULL`;
  const edgeOf = async ({ run_id, temporal_run_id }: OpenExecution, filter: keyof typeof FILTER) => {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId: run_id, runId: temporal_run_id },
      historyEventFilterType: FILTER[filter],
      maximumPageSize: 1,
    });
    return history?.events?.[0];
  };
  return {
    async *open() {
      let next_page_token: Uint8Array | undefined;
      do {
        const asked = { namespace, query: open_query, pageSize: PAGE, nextPageToken: next_page_token };
        const page = await translated(() => client.workflowService.listWorkflowExecutions(asked));
        yield page.executions.flatMap(({ execution }) =>
          execution?.workflowId && execution.runId
            ? [{ run_id: execution.workflowId, temporal_run_id: execution.runId }]
            : [],
        );
        next_page_token = page.nextPageToken;
      } while (next_page_token?.length);
    },
    describe: (run_id) =>
      translated(async () => {
        const found = await client.workflow.getHandle(run_id).describe().catch(undefinedIfUnknown);
        if (!found) return undefined;
        const { pendingActivities, pendingWorkflowTask } = found.raw;
        return {
          temporal_run_id: found.runId,
          closed_as: CLOSED_AS[found.status.name],
          state: RUN_STATES.find((state) => state === found.typedSearchAttributes.get(STATE)),
          is_busy: (pendingActivities?.length ?? 0) > 0 || !!pendingWorkflowTask,
        };
      }),
    isReset: (execution) =>
      translated(async () => {
        const began = (await edgeOf(execution, 'all'))?.workflowExecutionStartedEventAttributes;
        return began?.originalExecutionRunId !== execution.temporal_run_id;
      }),
    closing: (execution) =>
      translated(async () => closingOf(client, (await edgeOf(execution, 'close')) ?? {})),
  };
}

async function closingOf(client: Client, event: History): Promise<Closing> {
  const { workflowExecutionCompletedEventAttributes: completed } = event;
  const [result] = completed?.result?.payloads ?? [];
  const failure = event.workflowExecutionFailedEventAttributes?.failure;
  return {
    result: result ? await payloadValue<DagResult>(client, result) : undefined,
    reason: event.workflowExecutionTerminatedEventAttributes?.reason ?? undefined,
    code: (failure?.applicationFailureInfo ?? failure?.cause?.applicationFailureInfo)?.type ?? undefined,
  };
}

async function translated<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw asTemporalError(error);
  }
}

function undefinedIfUnknown(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
