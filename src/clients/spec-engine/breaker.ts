import { admit, CLOSED, settle, type CircuitOutcome, type CircuitRules } from './circuit.ts';
import { isUnavailable, SpecEngineFailure } from './failure.ts';

export interface Breaker {
  /** Does the work, or throws `unavailable` at once while the circuit is open. Only `unavailable` counts as a failure. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Spares an engine that is away, and those who would wait for it. */
export function breaker({ now, ...rules }: CircuitRules & { now: () => number }): Breaker {
  let circuit = CLOSED;
  return {
    async run(work, signal) {
      const admitted = admit(circuit, now(), rules);
      if (admitted.wait_ms > 0)
        throw new SpecEngineFailure(
          'unavailable',
          'The Spec Engine has failed too often and is left alone for now.',
          {
            retry_after_seconds: Math.ceil(admitted.wait_ms / 1_000),
          },
        );
      circuit = admitted.circuit;
      const was_trial = circuit.state === 'half_open';
      const ended = (outcome: CircuitOutcome) =>
        (circuit = settle(circuit, { outcome, was_trial, now_ms: now() }, rules));
      try {
        const result = await work();
        ended('success');
        return result;
      } catch (error) {
        ended(signal.aborted ? 'abandoned' : isUnavailable(error) ? 'failure' : 'success');
        throw error;
      }
    },
  };
}
