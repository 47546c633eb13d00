import type { Json } from './json.ts';
import type { JournalFlush, RunEnd } from './journal.ts';
import type { Template } from './plan.ts';
import type { FinalState, HeldValue, RunFacts, StepError, StepKey, TaskScope } from './run.ts';

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
  now_ms: number;
}

export interface PlanPart {
  text: string;
  /** Characters in all; the workflow asks on until it has them. */
  total_chars: number;
}

/** Activities that run on a task queue of their own kind. */
export interface NodeActivities {
  http: (task: NodeTask) => Promise<NodeResult>;
  code: (task: NodeTask) => Promise<NodeResult>;
}

/** Short, durable bookkeeping inside a workflow task: no round trip of its own. All are idempotent. */
export interface LocalActivities {
  flushJournal(flush: JournalFlush): Promise<void>;
  /** Answers the final state that stands: that of an earlier end, if this one came too late. */
  endRun(end: RunEnd): Promise<FinalState>;
  readPlan(request: { version_hash: string; offset: number }): Promise<PlanPart>;
  evaluateStep(evaluation: StoredEvaluation): Promise<NodeResult>;
  /** A guard or another value the workflow itself needs; refused above 32 KiB. */
  evaluateValue(evaluation: Omit<StoredEvaluation, keyof StepKey>): Promise<Json>;
  /** Evaluates and keeps the run's output; stored when it is large. */
  evaluateOutput(evaluation: Omit<StoredEvaluation, keyof StepKey>): Promise<HeldValue>;
  /** Asks Temporal to close this execution as Terminated, after the run was recorded so. */
  terminateExecution(request: { run_id: string }): Promise<void>;
}

export type Activities = NodeActivities & LocalActivities;
