import { admit, CLOSED, settle, type CircuitOutcome, type CircuitRules } from './circuit.ts';

export interface BreakerOptions extends CircuitRules {
  now: () => number;
  /** Which errors mean that the service is away; any other one is an answer. */
  isAway: (error: unknown) => boolean;
  /** What is thrown instead of doing the work, and in how many milliseconds another try makes sense. */
  refusal: (wait_ms: number) => Error;
}

export interface Breaker {
  /** Does the work, or throws the refusal at once while the circuit is open. What its caller gave up counts for nothing. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Spares a service that is away, and those who would wait for it. */
export function breaker({ now, isAway, refusal, ...rules }: BreakerOptions): Breaker {
  let circuit = CLOSED;
  return {
    async run(work, signal) {
      const admitted = admit(circuit, now(), rules);
      if (admitted.wait_ms > 0) throw refusal(admitted.wait_ms);
      circuit = admitted.circuit;
      const was_trial = circuit.state === 'half_open';
      const ended = (outcome: CircuitOutcome) =>
        (circuit = settle(circuit, { outcome, was_trial, now_ms: now() }, rules));
      try {
        const result = await work();
        ended('success');
        return result;
      } catch (error) {
        ended(signal.aborted ? 'abandoned' : isAway(error) ? 'failure' : 'success');
        throw error;
      }
    },
  };
}
