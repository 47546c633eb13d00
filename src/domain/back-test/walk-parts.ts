import type { BackTestUnknownReason } from '../../contract/back-test.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { PlanNode } from '../../contract/plan.ts';
import type { StepError, StepState } from '../../contract/run.ts';
import type { NodeSet } from '../../language/graph.ts';
import { opensWay } from '../../language/ready-nodes.ts';
import {
  type KeptJson,
  type RecordedRun,
  type RecordedStep,
  recordedStep,
  type Version,
} from './recorded.ts';

/** What would become of a step. */
export type Told =
  /** What the run has on record. */
  | { kind: 'recorded' }
  | {
      kind: 'worked_out';
      state: StepState;
      output: Json;
      error: StepError | null;
      /** JSON Pointer to the expression that failed. */
      path?: string;
    }
  /** `runs`: it would be carried out, whatever comes of it. */
  | { kind: 'unknown'; reason: BackTestUnknownReason; runs?: true };

/** Whether something ends before anything outside can; undefined where that cannot be told. */
export type AtOnce = boolean | undefined;

/** A step that fails the run. */
export interface FailingStep {
  at_once: AtOnce;
  /** Its turn in the walk. */
  turn: number;
  /** All before it is as it was. */
  same_past: boolean;
}

/** The blobs that were read; null for one that cannot be. */
export type ReadBlobs = ReadonlyMap<string, Json | null>;

/** One way through the new version with what a run has on record. */
export interface Walk {
  readonly then: Version;
  readonly now: Version;
  readonly run: RecordedRun;
  /** The params it would begin with, and what each tuning would make of them. */
  readonly params: readonly JsonObject[];
  /** They are what they were. */
  readonly same_params: boolean;
  readonly blobs: ReadBlobs;
  /** Blobs that were missed. */
  readonly wanted: Set<string>;
  readonly isOutOfTime: () => boolean;
  readonly ancestors: ReadonlyMap<string, NodeSet>;
  /** Steps that failed the run then. */
  readonly failed_then: ReadonlySet<string>;
  /** Steps taken to fail it now: what the walk before this one found. */
  readonly failing: ReadonlyMap<string, FailingStep>;
  /** It did not settle which steps fail: nothing may be concluded from it. */
  readonly unsettled: boolean;
  readonly told: Map<string, Told>;
  readonly at_once: Map<string, AtOnce>;
  readonly turns: Map<string, number>;
  /** Steps that need what they needed, all of which is as it was: their turn comes when it came. */
  readonly same_past: Set<string>;
}

export const unknown = (reason: BackTestUnknownReason, runs?: true): Told => ({
  kind: 'unknown',
  reason,
  ...(runs && { runs }),
});

export const RECORDED: Told = { kind: 'recorded' };
export const SKIPPED: Told = { kind: 'worked_out', state: 'skipped', output: null, error: null };

/** A step that fails with an expression; `path` points to it in the definition. */
export const failedWith = (message: string, path: string): Told => ({
  kind: 'worked_out',
  state: 'failed',
  output: null,
  error: { code: 'expression_error', message },
  path,
});

/** What stands in a row; undefined, and noted as wanted, for a blob that was not read. */
export function readKept(walk: Pick<Walk, 'blobs' | 'wanted'>, kept: KeptJson): Json | undefined {
  if ('value' in kept) return kept.value;
  const found = walk.blobs.get(kept.ref);
  if (found === undefined) walk.wanted.add(kept.ref);
  return found ?? undefined;
}

/** What the run has on record for a node; undefined for one that its version did not have. */
export const stepThen = ({ then, run }: Pick<Walk, 'then' | 'run'>, id: string): RecordedStep | undefined =>
  Object.hasOwn(then.plan.nodes, id) ? recordedStep(run, id) : undefined;

export const nodeThen = ({ then }: Pick<Walk, 'then'>, id: string): PlanNode | undefined =>
  Object.hasOwn(then.plan.nodes, id) ? then.plan.nodes[id] : undefined;

/** How a step would end; undefined where that cannot be told. */
export function stateNow(walk: Walk, id: string): StepState | undefined {
  const told = walk.told.get(id);
  if (told?.kind === 'worked_out') return told.state;
  return told?.kind === 'recorded' ? stepThen(walk, id)?.state : undefined;
}

/** Whether a step would let those behind it run; undefined where that cannot be told. */
export function opensNow(walk: Walk, id: string): boolean | undefined {
  const node = walk.now.plan.nodes[id];
  const state = stateNow(walk, id);
  if (!node) return undefined;
  return state === undefined ? (node.continue_on_error ? true : undefined) : opensWay(state, node);
}

export function opensThen(walk: Walk, id: string): boolean | undefined {
  const node = nodeThen(walk, id);
  const step = stepThen(walk, id);
  return node && step && opensWay(step.state, node);
}

export const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));
