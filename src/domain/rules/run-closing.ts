import type { FinalState, RunError, RunState } from '../../contract/run.ts';
import type { CloseStatus, Closing } from '../../clients/temporal-executions.ts';
import { mayChange } from './run-transition.ts';

/** What a run ended as, when only Temporal knows. */
export interface Projection {
  state: FinalState;
  reason: string;
  error: RunError | null;
}

/** How the close status of an execution reads as the end of its run (contract §4). */
export function projectionOf(from: RunState, closed_as: CloseStatus, closing: Closing): Projection {
  const projection = mapped(closed_as, closing);
  if (mayChange(from, projection.state)) return projection;
  return errored('transition_forbidden', `The run was ${from}, and ended in Temporal as ${closed_as}.`);
}

function mapped(closed_as: CloseStatus, { result, reason, code }: Closing): Projection {
  switch (closed_as) {
    case 'completed':
      return completed(result?.state);
    case 'failed':
      return errored(code ?? 'engine_failure', 'The execution failed in Temporal.');
    case 'cancelled':
      return { state: 'cancelled', reason: 'Cancelled in Temporal.', error: null };
    case 'terminated':
      return { state: 'terminated', reason: reason || 'Terminated in Temporal.', error: null };
    case 'timed_out':
      return errored('timed_out', 'The execution ran out of time in Temporal.');
  }
}

/** Its workflow said which of the two it was; what it worked out is in no history. */
function completed(state: RunState | undefined): Projection {
  const reason = 'Ended in Temporal; what it gave was not recorded.';
  if (state === 'completed') return { state, reason, error: null };
  if (state === 'failed') return { state, reason, error: { code: 'not_recorded', message: reason } };
  return errored('not_recorded', reason);
}

/** Nothing in Temporal carries the run out any more. */
export const lost = (): Projection =>
  errored('execution_lost', 'Temporal has no execution of this run any more.');

/** The run above has ended, and nothing carries this one out. */
export const orphaned = (): Projection => ({
  state: 'cancelled',
  reason: 'The run above it has ended.',
  error: null,
});

function errored(code: string, message: string): Projection {
  return { state: 'errored', reason: message, error: { code, message } };
}
