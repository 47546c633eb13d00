import type { Bed } from './bed.ts';
import type { Options } from './options.ts';
import type { Findings } from './rows.ts';

/** How much time a measurement may take. */
export interface Pace {
  /** Alternating pairs. */
  rounds: number;
  /** What the seconds of a full sample are multiplied by. */
  scale: number;
  warm_seconds: number;
  quick: boolean;
}

/** Takes one group of figures; rejects when an answer is missing or wrong. */
export type Measure = (bed: Bed, pace: Pace) => Promise<Findings>;

export function paceOf({ quick, pairs }: Options): Pace {
  return quick
    ? { rounds: pairs, scale: 0.15, warm_seconds: 0.1, quick }
    : { rounds: pairs, scale: 1, warm_seconds: 2, quick };
}
