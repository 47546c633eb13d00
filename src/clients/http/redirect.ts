import type { HttpMethod } from '../../contract/definition.ts';
import { httpFailure } from './http-failure.ts';
import { harmlessHeaders } from './request-headers.ts';
import { requireCallable } from './target-url.ts';

/** One request of a chain of redirects. */
export interface Hop {
  method: HttpMethod;
  url: URL;
  headers: Record<string, string>;
  body: string | Uint8Array | null;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (status: number): boolean => REDIRECTS.has(status);

/**
 * The request that a redirect asks for (RFC 9110 §15.4): 303 becomes GET, 301 and 302 turn POST into GET, 307 and 308
 * repeat it as it was. Another origin gets none of the headers that could authenticate.
 * Throws `egress_refused` for a target that may not be called, `response_invalid` for one that cannot be read.
 */
export function nextHop(hop: Hop, status: number, location: string): Hop {
  if (!URL.canParse(location, hop.url.href)) throw httpFailure('response_invalid', hop.url.hostname);
  const url = requireCallable(new URL(location, hop.url));
  const headers = url.origin === hop.url.origin ? hop.headers : harmlessHeaders(hop.headers);
  return becomesGet(hop.method, status)
    ? { method: 'GET', url, headers: withoutContent(headers), body: null }
    : { ...hop, url, headers };
}

function becomesGet(method: HttpMethod, status: number): boolean {
  if (status === 303) return method !== 'HEAD' && method !== 'GET';
  return (status === 301 || status === 302) && method === 'POST';
}

function withoutContent(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('content-')));
}
