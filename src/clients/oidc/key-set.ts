import { z } from 'zod';
import type { GuardedFetch } from '../http/guarded-fetch.ts';

export interface KeySetOptions {
  /** As its tokens say it, to the letter. */
  issuer: string;
  fetch: GuardedFetch;
}

/** A public key of an issuer (RFC 7517). */
export type PublicJwk = z.output<typeof jwk>;

/** The fetch has a time limit of its own. */
const NEVER = new AbortController().signal;
const MAX_KEYS = 100;
/** What is shorter can be broken, and is refused by every library. */
const MIN_RSA_BYTES = 256;
/** Where keys are is for the issuer to say, not for whoever answers in its place. */
const REDIRECTS = [301, 302, 303, 307, 308];

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const jwk = z.looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']), n: z.string().optional() });
const keySet = z.object({ keys: z.array(z.unknown()).max(MAX_KEYS) });

/** The public keys of an OpenID issuer now, by its discovery document. Rejects with why there are none. */
export async function fetchKeySet({ issuer, fetch }: KeySetOptions): Promise<PublicJwk[]> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = discovery.parse(await jsonAt(fetch, address));
  if (document.issuer !== issuer)
    throw new Error(`The discovery document of ${issuer} is that of another issuer.`);
  if (issuer.startsWith('https:') && !document.jwks_uri.startsWith('https:'))
    throw new Error(`${issuer} has its keys where anybody could change them on their way.`);
  const { keys } = keySet.parse(await jsonAt(fetch, document.jwks_uri));
  return keys.flatMap((key) => {
    const { data } = jwk.safeParse(key);
    return data && isStrong(data) ? [data] : [];
  });
}

async function jsonAt(fetch: GuardedFetch, url: string): Promise<unknown> {
  const headers = { accept: 'application/json' };
  const request = { method: 'GET', url, headers, final_statuses: REDIRECTS } as const;
  const { status, body } = await fetch(request, { signal: NEVER });
  if (status !== 200) throw new Error(`${new URL(url).host} answered ${status}.`);
  return JSON.parse(Buffer.from(body).toString('utf8'));
}

const isStrong = ({ kty, n = '' }: PublicJwk): boolean =>
  kty !== 'RSA' || Buffer.from(n, 'base64url').length >= MIN_RSA_BYTES;
