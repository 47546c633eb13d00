import { hash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../route.ts';

/** Says who is calling, or throws `unauthenticated`. */
export type Authenticate = (req: Request) => Principal | Promise<Principal>;

const SCHEME = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/** Knows one token, that of the administrator. Hashing first makes the comparison independent of length and content. */
export function bearerAuthentication(options: { token: string; principal: Principal }): Authenticate {
  const expected = digest(options.token);
  return (req) => {
    const token = SCHEME.exec(req.headers.authorization ?? '')?.[1];
    if (token === undefined || !timingSafeEqual(digest(token), expected))
      throw new AppError('unauthenticated');
    return options.principal;
  };
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');
