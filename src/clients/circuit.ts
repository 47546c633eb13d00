/** A circuit breaker as data: what it is, and what becomes of it. Times are milliseconds of one clock. */
export type Circuit =
  | { state: 'closed'; failures: number }
  | { state: 'open'; until_ms: number }
  /** One call tries whether it is over. */
  | { state: 'half_open' };

export interface CircuitRules {
  /** So many failures in a row open it. */
  failures: number;
  /** So long nothing is sent then. */
  open_ms: number;
}

export type CircuitOutcome = 'success' | 'failure' | 'abandoned';

export const CLOSED: Circuit = { state: 'closed', failures: 0 };

/** Whether a call may be made now, and what the circuit is once it is. */
export function admit(
  circuit: Circuit,
  now_ms: number,
  { open_ms }: CircuitRules,
): { circuit: Circuit; wait_ms: number } {
  if (circuit.state === 'closed') return { circuit, wait_ms: 0 };
  if (circuit.state === 'half_open') return { circuit, wait_ms: open_ms };
  if (now_ms < circuit.until_ms) return { circuit, wait_ms: circuit.until_ms - now_ms };
  return { circuit: { state: 'half_open' }, wait_ms: 0 };
}

/**
 * What the circuit is after a call that was let in ended. One that began before it opened changes nothing; a trial that was given up
 * leaves the next call to try.
 */
export function settle(
  circuit: Circuit,
  { outcome, was_trial, now_ms }: { outcome: CircuitOutcome; was_trial: boolean; now_ms: number },
  { failures, open_ms }: CircuitRules,
): Circuit {
  const open: Circuit = { state: 'open', until_ms: now_ms + open_ms };
  if (circuit.state === 'half_open') {
    if (!was_trial) return circuit;
    if (outcome === 'abandoned') return { state: 'open', until_ms: now_ms };
    return outcome === 'success' ? CLOSED : open;
  }
  if (circuit.state === 'open' || outcome === 'abandoned') return circuit;
  if (outcome === 'success') return CLOSED;
  return circuit.failures + 1 >= failures ? open : { state: 'closed', failures: circuit.failures + 1 };
}
