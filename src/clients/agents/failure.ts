/**
 * Why the Agent Manager could not be asked: `unavailable` (no connection, no time, 5xx, 429, or nothing is sent for now),
 * `unauthorized`, `answer_invalid` (another form, version or size), `rejected` (any other refusal).
 */
export type ManagerFailureCode = 'unavailable' | 'unauthorized' | 'answer_invalid' | 'rejected';

/** The message says what happened and nothing that was sent. */
export class ManagerFailure extends Error {
  override readonly name = 'ManagerFailure';
  readonly code: ManagerFailureCode;

  constructor(code: ManagerFailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
