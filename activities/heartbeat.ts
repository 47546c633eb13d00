import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { AppError, TEMPORAL_RETRYABLE } from '../src/contract/errors.ts';

const HEARTBEAT_MS = 1_000;

/**
 * Runs an activity's work with a heartbeat, which carries `details` to the next attempt. When it was aborted, the reason
 * Temporal gave is what it fails with, so that a cancelled attempt ends as cancelled and one of a stopping worker goes to
 * another.
 */
export async function withHeartbeat<T>(
  work: (signal: AbortSignal) => Promise<T>,
  details: () => unknown = () => undefined,
): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(details()), HEARTBEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    if (context.cancellationSignal.aborted) throw cancellationOf(context, error);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

function cancellationOf(context: Context, error: unknown): unknown {
  const reason: unknown = context.cancellationSignal.reason;
  return reason instanceof CancelledFailure ? reason : error;
}

/** Errors of ours become failures whose type is the code, retryable or not as their family says. */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !TEMPORAL_RETRYABLE[error.family],
      cause: error,
    });
  }
}
