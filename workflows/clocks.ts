import type { Execution } from './execution.ts';
import type { Unit } from './unit.ts';

// Unit keys have no such character.
const CLOCK = '!';

/** Gives a map or a child run the time its node allows; a pause stops this clock like every other. */
export function beginClock(x: Execution, unit: Unit): void {
  const { timeout_seconds } = unit.body;
  if (timeout_seconds === undefined) return;
  const remaining_ms = timeout_seconds * 1_000;
  const awaits = { kind: 'work' } as const;
  const wait = { remaining_ms, started_at_ms: Date.now(), times_out: true, awaits };
  x.waits.begin(`${unit.key}${CLOCK}`, wait);
}

/** The time the whole run has, if its start gave it one. */
export function beginDeadline(x: Execution): void {
  const { timeout_seconds } = x.input;
  if (timeout_seconds === undefined) return;
  const awaits = { kind: 'work' } as const;
  const wait = { remaining_ms: timeout_seconds * 1_000, started_at_ms: Date.now(), times_out: true, awaits };
  x.waits.begin(CLOCK, wait);
}

export function endClock(x: Execution, unit: Unit): void {
  x.waits.finish(`${unit.key}${CLOCK}`);
}

/** The unit a clock belongs to, empty for the run's own; undefined for the key of a unit itself. */
export function unitKeyOf(key: string): string | undefined {
  return key.endsWith(CLOCK) ? key.slice(0, -CLOCK.length) : undefined;
}
