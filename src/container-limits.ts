import type { Base } from './container-store.ts';
import { sharedAllowances } from './domain/shared-allowances.ts';
import { rateBucketRepository } from './persistence/rate-buckets.ts';

/** Passwords are guessed by many tries: so many at once for one address of a mailbox, and one more each ten seconds. */
const GUESSES = { per_second: 0.1, burst: 10 };

/** How often anybody may ask, which all API processes count together. */
export function createAllowances({ config: { limits, hooks }, db, logger }: Base) {
  const allowances = sharedAllowances({
    rules: {
      api: { per_second: limits.rate_per_second, burst: limits.rate_burst },
      hooks: { per_second: hooks.rate_per_second, burst: hooks.rate_burst },
      guesses: GUESSES,
    },
    buckets: rateBucketRepository(db),
    interval_ms: limits.rate_share_interval_ms,
    onAway: (err) => logger.warn({ err }, 'rates are counted by this process alone for now'),
  });
  const { api: allowance, hooks: hook_allowance, guesses } = allowances.of;
  return { allowances, allowance, hook_allowance, guesses };
}
