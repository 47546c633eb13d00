import { AppError, TEMPORAL_RETRYABLE } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { StepError } from '../contract/run.ts';
import { ExpressionError } from '../language/expression-error.ts';

/** The work of a step did not succeed; its node's `retry` says whether it is tried again. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  readonly code: string;
  /** What the step gives all the same: what was seen on the way. */
  readonly output: Json;

  constructor(
    code: string,
    message: string,
    { output = null, cause }: { output?: Json; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.output = output;
  }
}

/** What a step fails with when it asked for what it may not have; trouble of the engine is thrown on, to be tried again. */
export function stepErrorOf(thrown: unknown): StepError {
  if (thrown instanceof StepFailure) return { code: thrown.code, message: thrown.message };
  if (thrown instanceof ExpressionError) return { code: 'expression_error', message: thrown.message };
  if (!(thrown instanceof AppError) || TEMPORAL_RETRYABLE[thrown.family]) throw thrown;
  const { code, data } = thrown;
  const problems = (data.errors ?? []).map(({ path, message }) => `${path} ${message}`);
  return { code, message: [thrown.message, ...problems].join(' ') };
}
