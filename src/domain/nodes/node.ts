import type { Json } from '../../contract/json.ts';
import type { StepError } from '../../contract/run.ts';

/** What a node's executor gets beside its evaluated config. */
export interface NodeContext {
  run_id: string;
  project_id: string;
  node: string;
  attempt: number;
  /** Aborts the attempt; the executor rejects with its reason or ends early. */
  signal: AbortSignal;
  /** The definition's `files`: blob hashes, or any JSON. */
  files: Readonly<Record<string, Json>>;
  /** Keeps bytes as a blob of the run's project; answers its name. */
  keep(bytes: Uint8Array, media_type: string): Promise<string>;
  /** Adds a piece of output to the run's event log. */
  log(stream: string, text: string): Promise<void>;
}

/** How the work of a node ended. */
export interface NodeOutcome {
  state: 'succeeded' | 'failed';
  output: Json;
  error: StepError | null;
  cause?: string;
  /** The engine could not carry it out, as opposed to the work having failed. */
  engine?: boolean;
}
