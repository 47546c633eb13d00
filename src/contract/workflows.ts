import type { Json, JsonObject } from './json.ts';
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
  /** Events nothing has waited for yet, oldest first. */
  events?: KeptEvent[];
  pause_requested: boolean;
  /** Ids of the newest commands seen, oldest first. */
  commands_seen: string[];
  failure: (RunError & { engine: boolean }) | null;
}

export interface KeptEvent {
  name: string;
  payload: Json;
}

export interface WaitProgress {
  /** Null: no clock runs, only what is awaited ends it. */
  remaining_ms: number | null;
  started_at_ms: number;
  /** Set for `until`: the moment itself, which a pause does not move. */
  until_ms?: number;
  /** The node's `timeout_seconds` ends it before its time. */
  times_out: boolean;
  /** What ends it before its time; none for a plain delay. */
  awaits?: EventAwaited | ApprovalAwaited;
}

export interface EventAwaited {
  kind: 'event';
  name: string;
  on_timeout: 'fail' | 'continue';
}

export interface ApprovalAwaited {
  kind: 'approval';
  quorum: number;
  on_timeout: 'approve' | 'reject';
  /** Who has approved so far. */
  approvals: Decision[];
}

/** What one person said; `at` is workflow time, RFC 3339. */
export type Decision = {
  decision: 'approve' | 'reject';
  by: string | null;
  at: string;
  comment: string | null;
  form: Json;
};

export interface DagResult {
  state: RunState;
}

/** Temporal workflow types by name. */
export interface Workflows {
  dag(input: DagInput): Promise<DagResult>;
}
