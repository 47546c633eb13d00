import type { PlanRetry } from '../contract/plan.ts';
import type { StepError } from '../contract/run.ts';

/** How an attempt failed. */
export interface FailedAttempt {
  attempt: number;
  error: StepError | null;
  cause?: string | null;
  /** The engine could not carry it out, as opposed to the work having failed. */
  engine: boolean;
}

/** What another attempt would not have either, unless somebody steps in: then the run is forked or started anew. */
const NEVER_RETRIED = 'secret_not_found';

/** Whether the policy allows another attempt after this one. */
export function mayRetry(retry: PlanRetry, end: FailedAttempt): boolean {
  if (end.attempt >= retry.max_attempts || end.engine || end.error?.code === NEVER_RETRIED) return false;
  const names = [end.error?.code, end.cause];
  return !retry.non_retryable.some((name) => names.includes(name));
}
