import { CodeHostFailure } from '../../../contract/code-host.ts';
import { AppError } from '../../../contract/errors.ts';
import { StepFailure } from '../../step-error.ts';

/** What a code host, or the way to it, got wrong; undefined for anything else. */
export function hostProblem(error: unknown): string | undefined {
  if (error instanceof CodeHostFailure) return error.message;
  return error instanceof AppError && error.code === 'egress_refused' ? error.message : undefined;
}

/** A failed step for what a code host got wrong; anything else is thrown on. */
export function asHostFailure(error: unknown): never {
  const message = hostProblem(error);
  if (message === undefined || error instanceof AppError) throw error;
  throw new StepFailure('code_host_failed', message, { cause: error });
}
