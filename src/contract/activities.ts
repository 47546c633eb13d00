import type { BuiltinActivity } from './builtins.ts';
import type { Json } from './json.ts';
import type { JournalFlush, RunEnd } from './journal.ts';
import type { Template } from './plan.ts';
import type { FinalState, HeldValue, ItemSource, RunFacts, StepError, StepKey, TaskScope } from './run.ts';
import type { DagInput } from './workflows.ts';

/** One attempt of a node that has an activity; its config is read by version hash, never sent. */
export interface NodeTask extends StepKey {
  run: RunFacts;
  epoch: number;
  version_hash: string;
  scope: TaskScope;
  /** Workflow time, so that `now()` is the same wherever a config is evaluated. */
  now_ms: number;
}

/** How an attempt ended. Failure of the work is a result; only trouble of the engine is an activity failure. */
export interface NodeResult {
  state: 'succeeded' | 'failed' | 'cancelled';
  output: HeldValue;
  error: StepError | null;
  cause?: string;
  /** The engine could not carry the step out, as opposed to the work having failed. */
  engine?: boolean;
}

/** A light node whose values the workflow does not hold: evaluated and recorded in a local activity. */
export interface StoredEvaluation extends StepKey {
  run: RunFacts;
  epoch: number;
  template: Template;
  /** Inside a map. */
  item_source?: ItemSource;
  now_ms: number;
}

/** The map's step keeps the list; the workflow only knows how long it is. */
export interface OpenedMap {
  count: number;
}

/** A step that begins a run of its own. */
export interface ChildTask extends NodeTask {
  /** How many runs will stand above it. */
  depth: number;
}

/** What the child is started with, or why there is none. */
export type OpenedChild =
  | {
      input: DagInput;
      /** False: it waits for its turn, and the parent is told when that has come. */
      admitted: boolean;
    }
  | { error: StepError };

export interface OpenedAgentTask {
  task_id: string;
  /** What its config allows; null when it says nothing. */
  timeout_seconds: number | null;
}

/** A child's end as the end of the step that began it. */
export interface ClosedChild extends StepKey {
  run: RunFacts;
  epoch: number;
  child_run_id: string;
  /** The parent is stopping: a child that was stopped with it has not failed. */
  stopping: boolean;
  /** The step's own time was over. */
  timed_out: boolean;
}

/** One command for several runs, as from `actor`. */
export interface RunsCommand {
  project_id: string;
  run_ids: string[];
  /** With each run's id: the id of its command. */
  key: string;
  type: 'pause' | 'resume' | 'cancel' | 'terminate';
  actor: string;
  reason: string;
}

export interface PlanPart {
  text: string;
  /** Characters in all; the workflow asks on until it has them. */
  total_chars: number;
}

/** Activities that carry out a step: by the type of its node, or by its own name in a workflow of the product's own. */
export type NodeActivities = Record<
  'http' | 'code' | BuiltinActivity,
  (task: NodeTask) => Promise<NodeResult>
>;

/** Short, durable bookkeeping inside a workflow task: no round trip of its own. All are idempotent. */
export interface LocalActivities {
  /** Answers the final state of a run that has ended already; nothing more is written then. */
  flushJournal(flush: JournalFlush): Promise<FinalState | undefined>;
  /** Answers the final state that stands: that of an earlier end, if this one came too late. */
  endRun(end: RunEnd): Promise<FinalState>;
  readPlan(request: { version_hash: string; offset: number }): Promise<PlanPart>;
  evaluateStep(evaluation: StoredEvaluation): Promise<NodeResult>;
  /** The list a map works on, when it is large or made of stored values: kept with the map's step. */
  openMap(evaluation: StoredEvaluation): Promise<OpenedMap | { error: StepError }>;
  /** Puts together what a map's items gave, and records the end of its step. */
  collectMap(request: { run: RunFacts; epoch: number; node: string; count: number }): Promise<NodeResult>;
  /** Opens the run a `run` node asks for, and records that the step is under way. */
  openChild(task: ChildTask): Promise<OpenedChild>;
  /** Records the end of the step from how its run ended. */
  closeChild(request: ClosedChild): Promise<NodeResult>;
  /** Writes down the task of an `agent` node, where agents ask for work, and records that the step waits for it. */
  openAgentTask(task: NodeTask): Promise<OpenedAgentTask | { error: StepError }>;
  /** The task is not waited for any more. */
  cancelAgentTask(request: StepKey & { run_id: string; epoch: number }): Promise<void>;
  /** Passes a command on to the runs below. */
  commandRuns(command: RunsCommand): Promise<void>;
  /** A guard or another value the workflow itself needs; refused above 32 KiB. */
  evaluateValue(evaluation: Omit<StoredEvaluation, keyof StepKey>): Promise<Json>;
  /** Evaluates and keeps the run's output; stored when it is large. */
  evaluateOutput(evaluation: Omit<StoredEvaluation, keyof StepKey>): Promise<HeldValue>;
  /** Asks Temporal to close this execution as Terminated, after the run was recorded so. */
  terminateExecution(request: { run_id: string }): Promise<void>;
}

export type Activities = NodeActivities & LocalActivities;
