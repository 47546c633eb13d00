import type { Json, JsonObject } from './json.ts';
import type { Plan, PlanRetry } from './plan.ts';
import type {
  CommandType,
  HeldStep,
  HeldValue,
  RunError,
  RunFacts,
  RunState,
  RunType,
  StepError,
} from './run.ts';

/** Names of signals and queries: both sides import them from here. */
export const COMMAND_SIGNAL = 'command';
export const CHILD_SIGNAL = 'child';
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
  /** Too late to be applied after this, by the workflow's clock. */
  expires_at_ms?: number;
}

/** What a run that waits for a child is told of it; that it ended, Temporal tells itself. */
export interface ChildNews {
  run_id: string;
  news: 'paused' | 'resumed' | 'admitted' | 'ended';
}

export interface DagInput {
  run: RunFacts;
  /** `dag` when left out. */
  type?: RunType;
  /** The run that waits for this one. */
  parent_run_id?: string;
  /** How many runs stand above this one. */
  depth?: number;
  epoch: number;
  version_hash: string;
  /** The plan itself when it is small, otherwise it is read in parts. */
  plan?: Plan;
  input: HeldValue;
  params: JsonObject;
  /** The time the run has; a pause stops its clock. */
  timeout_seconds?: number;
  /** Continue as new after this many history events. */
  history_limit: number;
  task_queues: { code: string };
  /** Set by continue-as-new, and for a run forked from another one. */
  resumed?: DagProgress;
}

/** What one execution hands to the next when the history grows long. */
export interface DagProgress {
  state: RunState;
  journal_seq: number;
  steps: Record<string, HeldStep>;
  /** Waits under way: what is left of them. */
  waits: Record<string, WaitProgress>;
  /** Maps under way, by node. */
  maps?: Record<string, MapProgress>;
  /** Nodes that have ended and have something to undo, oldest first. */
  undo?: string[];
  /** What tune has set over the definition's own options. */
  tuned?: TunedOptions;
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
  awaits?: EventAwaited | ApprovalAwaited | AgentAwaited | WorkAwaited;
}

/** How far a map is. Ended items are one letter each: `s`ucceeded, `f`ailed, `c`ancelled; `.` is still to come. */
export interface MapProgress {
  /** The list itself while it is small; otherwise the map's step keeps it. */
  items: { value: Json[] } | { stored: true };
  states: string;
  failure: (StepError & { engine: boolean }) | null;
}

/** Options of nodes that tune has set; by node id. */
export type TunedOptions = Record<string, NodeOptions>;

export interface NodeOptions {
  retry?: Partial<PlanRetry>;
  timeout_seconds?: number;
  max_parallel?: number;
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

/** A task that an external agent carries out. */
export interface AgentAwaited {
  kind: 'agent';
  attempt: number;
}

/** The time a map or a child run has for its work. */
export interface WorkAwaited {
  kind: 'work';
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

/** Temporal workflow types by name: one interpreter, which an operator finds under the type of the run. */
export type Workflows = Record<RunType, (input: DagInput) => Promise<DagResult>>;
