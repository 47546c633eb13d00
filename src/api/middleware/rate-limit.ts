import type { Response } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { Allowance } from '../../domain/allowance.ts';

export interface RateLimiter {
  /** Takes one request from the caller's allowance, or throws `rate_limited`. */
  take(caller: string, res: Response): void;
}

/** Holds callers to an allowance, and tells them in headers what is left of it. */
export function rateLimiter(allowance: Allowance): RateLimiter {
  return {
    take(caller, res) {
      const { burst, per_second } = allowance;
      const { is_allowed, left } = allowance.take(caller);
      res.setHeader('RateLimit-Limit', burst);
      res.setHeader('RateLimit-Remaining', Math.max(0, Math.floor(left)));
      res.setHeader('RateLimit-Reset', Math.ceil((burst - left) / per_second));
      if (!is_allowed) throw new AppError('rate_limited', { retry_after_seconds: (1 - left) / per_second });
    },
  };
}
