import { hashText } from '../../language/content-hash.ts';

/** How Temporal differs from what it should have. */
export type Drift = 'missing' | 'changed' | 'extra';

interface Wanted {
  wanted: boolean;
  revision: number;
  applied_revision: number;
  fingerprint: string | null;
}

/**
 * Temporal answers a schedule in its own words (a cron expression comes back as a calendar), so what it has is compared
 * with what it answered when it was given it.
 */
export const fingerprintOf = ({ shape }: { shape: string }): string => hashText(shape);

/** What is wrong with a schedule that Temporal shows so, or does not have; null: nothing. */
export function driftOf(row: Wanted, seen: { shape: string } | undefined): Drift | null {
  if (!row.wanted) return seen ? 'extra' : null;
  if (!seen) return 'missing';
  const is_given = row.applied_revision === row.revision && row.fingerprint === fingerprintOf(seen);
  return is_given ? null : 'changed';
}
