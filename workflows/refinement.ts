import {
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  type ActivityInterfaceFor,
} from '@temporalio/workflow';
import type { RefinementActivities, RefinementInput, RefinementOutcome } from '../src/contract/refinement.ts';
import type { EngineError } from '../src/contract/spec-engine.ts';
import { bookkeeping } from './bookkeeping.ts';

type Activities = ActivityInterfaceFor<RefinementActivities>;

/** An engine that is away is asked again for an hour; one that works may take its time, as long as it is heard of. */
const engine = proxyActivities<Activities>({
  startToCloseTimeout: '20m',
  scheduleToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});
/** Tried again for as long as the database is away. */
const local = bookkeeping<RefinementActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** Has a proposal worked out, and keeps what came of it, whoever listens or does not. */
export async function refinement(input: RefinementInput): Promise<RefinementOutcome> {
  try {
    return await engine.refine(input);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const failure = errorOf(error);
    await local.failRefinement(input, failure);
    return { status: 'failed', error: failure };
  }
}

function errorOf({ cause }: ActivityFailure): EngineError {
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'internal', message: cause.message };
  return { code: 'unavailable', message: 'The Spec Engine did not answer for too long.' };
}
