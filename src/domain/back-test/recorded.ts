import type { Definition } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Plan } from '../../contract/plan.ts';
import type { RunError, RunFacts, StepError, StepState } from '../../contract/run.ts';

/** A value as its row keeps it: itself, or the blob it is. */
export type KeptJson = { value: Json } | { ref: string };

/** How the newest attempt of a step ended. */
export interface RecordedStep {
  state: StepState;
  output: KeptJson;
  error: StepError | null;
  cause: string | null;
  attempt: number;
  started_at_ms: number | null;
  ended_at_ms: number | null;
}

/** A run that has ended, as far as another version can be tried on it. */
export interface RecordedRun {
  facts: RunFacts;
  state: 'completed' | 'failed';
  error: RunError | null;
  input: KeptJson;
  output: KeptJson;
  /** As they were at first, and after each time they were tuned. */
  params: readonly [JsonObject, ...JsonObject[]];
  /** Steps whose options were tuned. */
  tuned_nodes: readonly string[];
  created_at_ms: number;
  /** By node, without the items of maps; what undid a node is under its name with `.compensate`. */
  steps: Readonly<Record<string, RecordedStep>>;
}

/** A definition and its plan. */
export interface Version {
  definition: Definition;
  plan: Plan;
}

export const COMPENSATE = '.compensate';

export const recordedStep = (run: RecordedRun, id: string): RecordedStep | undefined =>
  Object.hasOwn(run.steps, id) ? run.steps[id] : undefined;
