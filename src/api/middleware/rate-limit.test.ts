import type { Response } from 'express';
import { localAllowance } from '../../domain/allowance.ts';
import { rateLimiter } from './rate-limit.ts';

const res = { setHeader: () => undefined } as unknown as Response;

function limiterAt(per_second: number, burst: number) {
  const clock = { now: 0 };
  const limiter = rateLimiter(localAllowance({ per_second, burst }, { now_ms: () => clock.now }));
  const allowed = (caller: string, attempts: number) => {
    let count = 0;
    for (let i = 0; i < attempts; i++) {
      try {
        limiter.take(caller, res);
        count += 1;
      } catch {
        // Refused.
      }
    }
    return count;
  };
  return { clock, allowed, limiter };
}

describe('the rate limit', () => {
  it('lets a burst through, then the rate, and never more than the burst after a rest', () => {
    const { clock, allowed } = limiterAt(100, 1000);
    expect(allowed('a', 5_000)).toBe(1000);
    clock.now += 1_000;
    expect(allowed('a', 5_000)).toBe(100);
    clock.now += 3_600_000;
    expect(allowed('a', 5_000)).toBe(1000);
  });

  it('holds ten times the rate down to the rate, and leaves others alone', () => {
    const { clock, allowed } = limiterAt(100, 1000);
    let through = 0;
    for (let second = 0; second < 60; second++, clock.now += 1_000) {
      through += allowed('greedy', 1_000);
      expect(allowed('modest', 50)).toBe(50);
    }
    expect(through).toBe(1000 + 59 * 100);
  });

  it('says when the next request will be let through', () => {
    const { limiter } = limiterAt(2, 1);
    limiter.take('a', res);
    expect(() => limiter.take('a', res)).toThrow(
      expect.objectContaining({ data: { retry_after_seconds: 0.5 } }) as Error,
    );
  });
});
