import type { JsonObject } from './json.ts';
import type { Plan } from './plan.ts';
import type { CommandType, HeldStep, HeldValue, RunError, RunFacts, RunState } from './run.ts';

/** Names of signals and queries: both sides import them from here. */
export const COMMAND_SIGNAL = 'command';
export const STATE_QUERY = 'state';

/** Search attributes, registered by the embedded stack and by operators (docs/operations.md). */
export const SEARCH_ATTRIBUTES = {
  workflow: 'OrchestratorWorkflow',
  project: 'OrchestratorProject',
  type: 'OrchestratorType',
  state: 'OrchestratorState',
} as const;

/** A control command on its way into a run. */
export interface CommandSignal {
  id: string;
  type: CommandType;
  actor: string;
  reason?: string;
  payload: JsonObject;
}

export interface DagInput {
  run: RunFacts;
  epoch: number;
  version_hash: string;
  /** The plan itself when it is small, otherwise it is read in parts. */
  plan?: Plan;
  input: HeldValue;
  params: JsonObject;
  /** Continue as new after this many history events. */
  history_limit: number;
  task_queues: { code: string };
  /** Set by continue-as-new. */
  resumed?: DagProgress;
}

/** What one execution hands to the next when the history grows long. */
export interface DagProgress {
  state: RunState;
  journal_seq: number;
  steps: Record<string, HeldStep>;
  /** Waits under way: what is left of them. */
  waits: Record<string, WaitProgress>;
  /** Attempts already made of nodes that are to be tried again. */
  attempts: Record<string, number>;
  pause_requested: boolean;
  /** Ids of the newest commands seen, oldest first. */
  commands_seen: string[];
  failure: (RunError & { engine: boolean }) | null;
}

export interface WaitProgress {
  remaining_ms: number;
  started_at_ms: number;
  /** Set for `until`: the moment itself, which a pause does not move. */
  until_ms?: number;
  /** The node's `timeout_seconds` ends it before its time. */
  times_out: boolean;
}

export interface DagResult {
  state: RunState;
}

/** Temporal workflow types by name. */
export interface Workflows {
  dag(input: DagInput): Promise<DagResult>;
}
