/** How much somebody may do: `burst` at once after a rest, `per_second` in the long run. */
export interface AllowanceRule {
  per_second: number;
  burst: number;
}

export interface Taken {
  is_allowed: boolean;
  /** What can be taken now; below 0 for who has taken more than there was. */
  left: number;
}

/** One allowance for each caller. */
export interface Allowance extends AllowanceRule {
  /** Takes one, at once; nothing when there is none. */
  take(caller: string): Taken;
}

/** An allowance that this process keeps, and what the other processes have to be told of it. */
export interface LocalAllowance extends Allowance {
  /** Whether anything was taken that nobody was told. */
  hasNews(): boolean;
  /** Up to `limit` callers who took something since they were told of the last time, and how much. */
  news(limit: number): Map<string, number>;
  /** What is left to a caller, everything that was told counted in. */
  settle(caller: string, left: number): void;
  /** What was told was not heard: it is news again. */
  retell(caller: string, taken: number): void;
}

export interface LocalOptions {
  /** Milliseconds of a clock that never goes back. */
  now_ms?: () => number;
  /** Told when there is something to tell, and when it is so much that it should not wait. */
  onNews?: (is_urgent: boolean) => void;
}

interface Bucket {
  tokens: number;
  at_ms: number;
  /** Taken since the others were told. */
  untold: number;
}

const SWEEP_ABOVE = 10_000;
const SWEEP_EVERY_MS = 1_000;
/** What a caller may take before the others should hear of it, as a part of the burst. */
const URGENT_PART = 10;

/**
 * A token bucket per caller. A bucket is three numbers and no timer; the ones that are full again are forgotten when there
 * are many.
 */
export function localAllowance(rule: AllowanceRule, options: LocalOptions = {}): LocalAllowance {
  const { per_second, burst } = rule;
  const { now_ms = () => performance.now(), onNews = () => undefined } = options;
  const buckets = new Map<string, Bucket>();
  const with_news = new Set<string>();
  const urgent_at = Math.max(1, Math.ceil(burst / URGENT_PART));
  let next_sweep_ms = 0;

  const refill = (bucket: Bucket, now: number) => {
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at_ms) * per_second) / 1_000);
    bucket.at_ms = now;
  };
  const sweep = (now: number) => {
    if (now < next_sweep_ms) return;
    next_sweep_ms = now + SWEEP_EVERY_MS;
    for (const [caller, bucket] of buckets) {
      refill(bucket, now);
      if (bucket.tokens < burst) continue;
      buckets.delete(caller);
      with_news.delete(caller);
    }
  };
  const bucketOf = (caller: string, now: number): Bucket => {
    const known = buckets.get(caller);
    if (known) return known;
    if (buckets.size >= SWEEP_ABOVE) sweep(now);
    const bucket = { tokens: burst, at_ms: now, untold: 0 };
    buckets.set(caller, bucket);
    return bucket;
  };
  const note = (caller: string, bucket: Bucket, taken: number) => {
    bucket.untold += taken;
    with_news.add(caller);
  };

  return {
    per_second,
    burst,
    take(caller) {
      const now = now_ms();
      const bucket = bucketOf(caller, now);
      refill(bucket, now);
      const is_allowed = bucket.tokens >= 1;
      if (is_allowed) {
        bucket.tokens -= 1;
        note(caller, bucket, 1);
        if (bucket.untold === 1 || bucket.untold === urgent_at) onNews(bucket.untold >= urgent_at);
      }
      return { is_allowed, left: bucket.tokens };
    },
    hasNews: () => with_news.size > 0,
    news(limit) {
      const found = new Map<string, number>();
      for (const caller of with_news) {
        if (found.size === limit) break;
        const bucket = buckets.get(caller)!;
        with_news.delete(caller);
        // More than a full bucket has been filled up again since, while nobody could be told.
        found.set(caller, Math.min(burst, bucket.untold));
        bucket.untold = 0;
      }
      return found;
    },
    settle(caller, left) {
      const now = now_ms();
      const bucket = bucketOf(caller, now);
      bucket.tokens = Math.min(burst, left) - bucket.untold;
      bucket.at_ms = now;
    },
    retell(caller, taken) {
      note(caller, bucketOf(caller, now_ms()), taken);
    },
  };
}
