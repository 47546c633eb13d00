import type { EngineResult, EngineState } from '../../contract/spec-engine.ts';
import { SpecEngineFailure } from './failure.ts';

/** The result of a thread that has ended. Throws `SpecEngineFailure` `failed`, with what the engine said. */
export function outcomeOf({ status, result, error }: EngineState): EngineResult {
  if (status === 'completed' && result) return result;
  throw new SpecEngineFailure('failed', error?.message ?? 'The Spec Engine failed.', {
    engine_code: error?.code,
  });
}
