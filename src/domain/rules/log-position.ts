import type { LogPosition } from '../../contract/events.ts';

/** Below 0 when `a` comes first in the log, 0 when both are the same place. */
export function compareLogPositions(a: LogPosition, b: LogPosition): number {
  return compareNumbers(a.tx, b.tx) || compareTexts(a.run_id, b.run_id) || a.seq - b.seq;
}

/** Decimal numbers without leading zeros. */
const compareNumbers = (a: string, b: string): number => a.length - b.length || compareTexts(a, b);

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
