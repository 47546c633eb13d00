import { hash } from 'node:crypto';
import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/principal.ts';

/** Says who is calling, or throws `unauthenticated`. */
export type Authenticate = (req: Request) => Principal | Promise<Principal>;

const SCHEME = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/** A token, and who it is that shows it. */
export interface Credential {
  token: string;
  principal: Principal;
}

/** Who shows a token that is not of the configuration. Throws `unauthenticated`. */
export type WhoShows = (token: string) => Principal | Promise<Principal>;

/** Knows these tokens, by their digests: how long a look-up takes says nothing about any token; and asks about others. */
export function bearerAuthentication(
  credentials: readonly Credential[],
  whoShows: WhoShows = refuse,
): Authenticate {
  const principals = new Map(credentials.map(({ token, principal }) => [digest(token), principal]));
  return (req) => {
    const token = SCHEME.exec(req.headers.authorization ?? '')?.[1];
    return token === undefined ? refuse() : (principals.get(digest(token)) ?? whoShows(token));
  };
}

function refuse(): never {
  throw new AppError('unauthenticated');
}

const digest = (text: string): string => hash('sha256', text, 'base64');
