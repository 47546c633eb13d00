import { AppError, TEMPORAL_RETRYABLE } from '../contract/errors.ts';
import type { StepError } from '../contract/run.ts';
import { ExpressionError } from '../language/expression-error.ts';

/** What a step fails with when it asked for what it may not have; trouble of the engine is thrown on, to be tried again. */
export function stepErrorOf(thrown: unknown): StepError {
  if (thrown instanceof ExpressionError) return { code: 'expression_error', message: thrown.message };
  if (!(thrown instanceof AppError) || TEMPORAL_RETRYABLE[thrown.family]) throw thrown;
  const { code, data } = thrown;
  const problems = (data.errors ?? []).map(({ path, message }) => `${path} ${message}`);
  return { code, message: [thrown.message, ...problems].join(' ') };
}
