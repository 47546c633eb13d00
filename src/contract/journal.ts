import type { Json, JsonObject } from './json.ts';
import type { TunedOptions } from './workflows.ts';
import type {
  HeldValue,
  RunError,
  RunFacts,
  RunState,
  RunType,
  StepError,
  StepKey,
  StepState,
} from './run.ts';

/** A step the workflow executed itself, as its row will stand. */
export interface StepRecord extends StepKey {
  state: StepState;
  output?: Json;
  error?: StepError;
  cause?: string;
  started_at_ms: number;
  ended_at_ms?: number;
}

export interface CommandOutcome {
  id: string;
  state: 'acknowledged' | 'rejected' | 'superseded' | 'expired';
  reason?: string;
  /** What a tune has set: the params, and the options of nodes, as they are from here on. */
  tuned?: { params: JsonObject; nodes: TunedOptions };
}

export interface StateChange {
  from: RunState;
  to: RunState;
  actor: string;
  reason?: string;
}

/** The public event of a change of state. */
export function changeEvent(from: RunState, to: RunState): string {
  if (to !== 'running') return `run.${to}`;
  return from === 'paused' ? 'run.resumed' : 'run.started';
}

/** One public event and the row changes that come with it. Times are workflow time. */
export interface JournalEntry {
  event: string;
  at_ms: number;
  data: JsonObject;
  step?: StepRecord;
  change?: StateChange;
  command?: CommandOutcome;
}

/** What the workflow did since the last flush; written in one statement, and once however often it is sent. */
export interface JournalFlush {
  run_id: string;
  epoch: number;
  /** Strictly increasing per run; a flush at or below the row's `journal_seq` is dropped. */
  seq: number;
  /**
   * Events in the history that led to it. A workflow task that Temporal has done again, because its worker died or a signal
   * came in between, comes back with the same `seq` and a longer history, and may tell another story.
   */
  history_length?: number;
  /** Where the workflow is with it. Missing when more of it follows. */
  state?: RunState;
  entries: JournalEntry[];
  done: number;
  total: number;
  in_flight: number;
  current_step: string | null;
}

export interface RunOutcome {
  output: HeldValue;
  error: RunError | null;
}

/** The last flush of a run: it carries the final state change, the outcome, and leads to the snapshot. */
export interface RunEnd extends JournalFlush {
  run: RunFacts;
  type: RunType;
  version_hash: string;
  outcome: RunOutcome;
  /** True when `entries` hold every step of the run, so that the snapshot needs no read. */
  complete: boolean;
}
