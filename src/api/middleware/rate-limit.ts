import type { Response } from 'express';
import { AppError } from '../../contract/errors.ts';

export interface RateLimitOptions {
  per_second: number;
  burst: number;
  /** Milliseconds of a clock that never goes back. */
  now_ms?: () => number;
}

export interface RateLimiter {
  /** Takes one request from the caller's allowance, or throws `rate_limited`. */
  take(caller: string, res: Response): void;
}

interface Bucket {
  tokens: number;
  at_ms: number;
}

const SWEEP_ABOVE = 10_000;
const SWEEP_EVERY_MS = 1_000;

/**
 * A token bucket per caller: `burst` requests at once, `per_second` in the long run. A bucket is two numbers and no
 * timer; the ones that are full again are forgotten when there are many.
 */
export function rateLimiter(options: RateLimitOptions): RateLimiter {
  const { per_second, burst, now_ms = () => performance.now() } = options;
  const buckets = new Map<string, Bucket>();
  const refill = (bucket: Bucket, now: number) => {
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at_ms) * per_second) / 1000);
    bucket.at_ms = now;
  };
  let next_sweep_ms = 0;
  const sweep = (now: number) => {
    if (now < next_sweep_ms) return;
    next_sweep_ms = now + SWEEP_EVERY_MS;
    for (const [caller, bucket] of buckets) {
      refill(bucket, now);
      if (bucket.tokens >= burst) buckets.delete(caller);
    }
  };
  const bucketOf = (caller: string, now: number): Bucket => {
    const known = buckets.get(caller);
    if (known) return known;
    if (buckets.size >= SWEEP_ABOVE) sweep(now);
    const bucket = { tokens: burst, at_ms: now };
    buckets.set(caller, bucket);
    return bucket;
  };
  return {
    take(caller, res) {
      const now = now_ms();
      const bucket = bucketOf(caller, now);
      refill(bucket, now);
      const allowed = bucket.tokens >= 1;
      if (allowed) bucket.tokens -= 1;
      res.setHeader('RateLimit-Limit', burst);
      res.setHeader('RateLimit-Remaining', Math.floor(bucket.tokens));
      res.setHeader('RateLimit-Reset', Math.ceil((burst - bucket.tokens) / per_second));
      if (!allowed)
        throw new AppError('rate_limited', { retry_after_seconds: (1 - bucket.tokens) / per_second });
    },
  };
}
