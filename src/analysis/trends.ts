import type { Finding } from '../contract/findings.ts';

/** What became of the findings since the run before, by fingerprint. */
export interface Trends {
  new: Finding[];
  /** As the run before told them. */
  fixed: Finding[];
  unchanged: Finding[];
}

/** Compares two analyses of one thing. Without a run before, everything is new. */
export function trendsOf(now: readonly Finding[], before: readonly Finding[] = []): Trends {
  const known = new Set(before.map((one) => one.fingerprint));
  const still = new Set(now.map((one) => one.fingerprint));
  return {
    new: now.filter((one) => !known.has(one.fingerprint)),
    fixed: before.filter((one) => !still.has(one.fingerprint)),
    unchanged: now.filter((one) => known.has(one.fingerprint)),
  };
}
