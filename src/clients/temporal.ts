import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { AppError } from '../contract/errors.ts';
import { PayloadCodecError } from './temporal-codec.ts';
import type { RunType } from '../contract/run.ts';
import {
  CHILD_SIGNAL,
  COMMAND_SIGNAL,
  SEARCH_ATTRIBUTES,
  type ChildNews,
  type CommandSignal,
  type DagInput,
} from '../contract/workflows.ts';

export interface RunStart {
  type: RunType;
  input: DagInput;
  /** 1 before 5; its activities and children have it too, unless they say otherwise. */
  priority: number;
}

/** What the product asks of Temporal. Every call is idempotent; trouble on the way is `temporal_unavailable`. */
export interface TemporalRuns {
  /** Starts the execution whose id is the run's. Starting one that is there already is fine. */
  start(start: RunStart): Promise<void>;
  /** False when there is no such execution, or it has closed. */
  signal(run_id: string, command: CommandSignal): Promise<boolean>;
  /** Temporal's own cancel, so that the execution may close as Canceled. */
  cancel(run_id: string): Promise<boolean>;
  /** Terminates this execution of the run, and no other that may have taken its place. */
  terminate(run_id: string, temporal_run_id: string, reason: string): Promise<boolean>;
  /** Tells a run about one below it. */
  tell(run_id: string, news: ChildNews): Promise<boolean>;
  /** Rejects when Temporal does not answer within `timeout_ms`. */
  ping(timeout_ms: number): Promise<void>;
}

const attribute = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const WORKFLOW = attribute(SEARCH_ATTRIBUTES.workflow);
const PROJECT = attribute(SEARCH_ATTRIBUTES.project);
const TYPE = attribute(SEARCH_ATTRIBUTES.type);
const STATE = attribute(SEARCH_ATTRIBUTES.state);

export function temporalRuns(client: Client, options: { task_queue: string; eager: boolean }): TemporalRuns {
  return {
    async start({ type, input, priority }) {
      const { run } = input;
      try {
        await client.workflow.start(type, {
          args: [input],
          workflowId: run.id,
          taskQueue: options.task_queue,
          // A worker that dies is noticed within this time; a task of ours takes milliseconds.
          workflowTaskTimeout: '5s',
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          requestEagerStart: options.eager,
          priority: { priorityKey: priority },
          typedSearchAttributes: new TypedSearchAttributes([
            { key: WORKFLOW, value: run.workflow },
            { key: PROJECT, value: run.project_id },
            { key: TYPE, value: type },
            { key: STATE, value: 'running' },
          ]),
          memo: {
            workflow: run.workflow,
            project_id: run.project_id,
            type,
            version_hash: input.version_hash,
          },
          staticSummary: run.workflow,
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw asTemporalError(error);
      }
    },
    signal: (run_id, command) =>
      reached(() => client.workflow.getHandle(run_id).signal(COMMAND_SIGNAL, command)),
    cancel: (run_id) => reached(() => client.workflow.getHandle(run_id).cancel()),
    terminate: (run_id, temporal_run_id, reason) =>
      reached(() => client.workflow.getHandle(run_id, temporal_run_id).terminate(reason)),
    tell: (run_id, news) => reached(() => client.workflow.getHandle(run_id).signal(CHILD_SIGNAL, news)),
    async ping(timeout_ms) {
      await client.connection.withDeadline(Date.now() + timeout_ms, () =>
        client.workflowService.getSystemInfo({}),
      );
    },
  };
}

async function reached(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw asTemporalError(error);
  }
}

export function asTemporalError(error: unknown): unknown {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (isGrpcServiceError(e) || e instanceof PayloadCodecError)
      return new AppError('temporal_unavailable', { cause: error, retry_after_seconds: 1 });
  }
  return error;
}
