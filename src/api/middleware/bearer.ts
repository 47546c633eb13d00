import { hash } from 'node:crypto';
import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../route.ts';

/** Says who is calling, or throws `unauthenticated`. */
export type Authenticate = (req: Request) => Principal | Promise<Principal>;

const SCHEME = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/** A token, and who it is that shows it. */
export interface Credential {
  token: string;
  principal: Principal;
}

/** Knows these tokens, by their digests: how long a look-up takes says nothing about any token. */
export function bearerAuthentication(credentials: readonly Credential[]): Authenticate {
  const principals = new Map(credentials.map(({ token, principal }) => [digest(token), principal]));
  return (req) => {
    const token = SCHEME.exec(req.headers.authorization ?? '')?.[1];
    const principal = token === undefined ? undefined : principals.get(digest(token));
    if (!principal) throw new AppError('unauthenticated');
    return principal;
  };
}

const digest = (text: string): string => hash('sha256', text, 'base64');
