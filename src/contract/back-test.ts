import type { Problem } from './errors.ts';
import type { Json } from './json.ts';
import type { StepState } from './run.ts';

/** What a back-test says of one run. In this order: the first that holds is said. */
export const BACK_TEST_VERDICTS = ['invalid', 'different', 'undecided', 'same'] as const;
export type BackTestVerdict = (typeof BACK_TEST_VERDICTS)[number];

/** What is certain to be otherwise at one step. */
export const BACK_TEST_CHANGES = [
  'now_runs',
  'now_skipped',
  'added',
  'removed',
  'other_state',
  'other_output',
  'other_error',
] as const;
export type BackTestChangeKind = (typeof BACK_TEST_CHANGES)[number];

export interface BackTestChange {
  node: string;
  kind: BackTestChangeKind;
  /** How it ended in the run; null for a step it did not have. */
  then: StepState | null;
  /** How it would end; null where that cannot be told, and for a step that is gone. */
  now: StepState | null;
  /** Small outputs only. */
  output_then?: Json;
  output_now?: Json;
}

/** An expression that fails, and did not in the run. */
export interface BackTestFailure {
  /** Null for the output of the run. */
  node: string | null;
  /** JSON Pointer into the definition. */
  path: string;
  message: string;
}

/** Why nothing can be said of a step without carrying it out. */
export const BACK_TEST_UNKNOWNS = [
  /** It is new, or did not run then, and is nothing that could be worked out here. */
  'has_no_result',
  /** It was another work then. */
  'config_changed',
  /** Its config gives other values now. */
  'inputs_changed',
  /** How it may be tried again, or how long it may take, is otherwise, and that would have counted. */
  'limits_changed',
  /** It depends on a step nothing can be said of. */
  'depends_on_unknown',
  /** It depends on which of several steps is faster. */
  'depends_on_timing',
  /** The params were tuned while the run went on, and it depends on when. */
  'params_tuned',
  /** It was cut short then by what would not happen now. */
  'was_cut_short',
  /** A value it needs is gone, or too large to be read here. */
  'value_not_read',
  /** The time of the back-test was over. */
  'out_of_time',
] as const;
export type BackTestUnknownReason = (typeof BACK_TEST_UNKNOWNS)[number];

export interface BackTestUnknown {
  /** Null for the output of the run. */
  node: string | null;
  reason: BackTestUnknownReason;
}

type Outcome = 'completed' | 'failed';

export interface RunBackTest {
  run_id: string;
  /** Of the definition that it ran. */
  version_hash: string;
  created_at: Date;
  verdict: BackTestVerdict;
  /** How the run would end; null where that cannot be told, or where it would not begin. */
  state: { then: Outcome; now: Outcome | null };
  /** Whether the output of the run would be the same; null where that cannot be told. */
  same_output: boolean | null;
  /** What is wrong with the input and the params of the run; with any of it, it would not begin. */
  refused: Problem[];
  fails: BackTestFailure[];
  changes: BackTestChange[];
  unknown: BackTestUnknown[];
}

/** In how many runs what happens to a step. */
export interface BackTestNode {
  node: string;
  runs: Partial<Record<BackTestChangeKind | 'fails' | 'unknown', number>>;
}

export interface BackTest {
  workflow: string;
  /** Of the definition that was tried. */
  version_hash: string;
  summary: { runs: number } & Record<BackTestVerdict, number>;
  /** The steps anything happens to. */
  nodes: BackTestNode[];
  /** Newest first. */
  runs: RunBackTest[];
  /** Runs there would have been time or room for only with a larger budget. */
  left_out: number;
}
