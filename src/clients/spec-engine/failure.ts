/**
 * Why the Spec Engine gave no result: `unavailable` (no connection, no time, 5xx, 429, an answer of another form, or nothing is sent for now;
 * worth another try later), `refused` (4xx, or an address that may not be called; the same request will be refused again), `failed` (it
 * worked on the thread and says that it failed).
 */
export type SpecEngineFailureCode = 'unavailable' | 'refused' | 'failed';

interface Details {
  /** Seconds until another try makes sense, as far as it is known. */
  retry_after_seconds?: number;
  /** The HTTP status of a refusal. */
  status?: number;
  /** What the engine calls it: text of its own, at most 100 characters. */
  engine_code?: string;
  cause?: unknown;
}

/** The message says what happened; with `failed` it is what the engine said, bounded. Nothing that was sent is in it. */
export class SpecEngineFailure extends Error {
  override readonly name = 'SpecEngineFailure';
  readonly code: SpecEngineFailureCode;
  readonly details: Readonly<Omit<Details, 'cause'>>;

  constructor(code: SpecEngineFailureCode, message: string, { cause, ...details }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/** Thrown while the engine has failed too often to be asked. */
export const leftAlone = (wait_ms: number): SpecEngineFailure =>
  new SpecEngineFailure('unavailable', 'The Spec Engine has failed too often and is left alone for now.', {
    retry_after_seconds: Math.ceil(wait_ms / 1_000),
  });

export function isUnavailable(error: unknown): error is SpecEngineFailure {
  return error instanceof SpecEngineFailure && error.code === 'unavailable';
}
