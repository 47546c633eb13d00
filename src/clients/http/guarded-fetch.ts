import { Agent, type Dispatcher } from 'undici';
import type { HttpMethod } from '../../contract/definition.ts';
import { parseAllowList } from './egress.ts';
import { guardedConnector, type ResolveHost } from './guarded-connector.ts';
import { failureOf, httpFailure } from './http-failure.ts';
import { type Hop, isRedirect, nextHop } from './redirect.ts';
import { requestHeaders } from './request-headers.ts';
import { collect, decode } from './response-body.ts';
import { parseTarget } from './target-url.ts';

export interface FetchRequest {
  method: HttpMethod;
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array | null;
  /** Redirects with one of these statuses are the answer; others are followed. */
  final_statuses?: readonly number[];
}

export interface FetchResponse {
  status: number;
  /** Lower case; repeated ones joined by a comma. Without length and encoding when the body was decoded. */
  headers: Record<string, string>;
  /** Decoded. */
  body: Uint8Array;
  /** Where the answer came from, after redirects; may hold what its query holds, so it is not for messages. */
  url: string;
}

/**
 * Calls a server. Rejects with the reason of `signal`, an `AppError` `egress_refused` for what may not be called, and
 * a `HttpFailure` for everything the network or the far side got wrong. Any status is an answer.
 */
export type GuardedFetch = (
  request: FetchRequest,
  options: { signal: AbortSignal },
) => Promise<FetchResponse>;

export interface GuardedFetchOptions {
  /** Internal destinations that may be called; see `parseAllowList`. */
  allow: readonly string[];
  /** For all of a call: every redirect and the body. */
  timeout_ms?: number;
  connect_timeout_ms?: number;
  /** Of a body as it comes, and as it is decoded. */
  max_response_bytes?: number;
  max_redirects?: number;
  resolve?: ResolveHost;
  /** Certificates to trust in place of the system's. */
  ca?: string;
}

const MIB = 1024 * 1024;
const MAX_HEADER_BYTES = 32 * 1024;
const MAX_HEADERS = 256;
/** What is read of a redirect's body to keep its connection. */
const MAX_REDIRECT_BYTES = 64 * 1024;

/**
 * A client that reaches the public internet and the internal destinations on the list, and nothing else: each
 * connection is judged by the address it goes to, so pooled ones were judged by the same list. It reads no proxy
 * settings. Close it to give back its connections. Throws `validation_failed` for a bad list.
 */
export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch & { close(): Promise<void> } {
  const { timeout_ms = 300_000, connect_timeout_ms = 10_000, max_redirects = 5 } = options;
  const max_bytes = options.max_response_bytes ?? 16 * MIB;
  const connect = guardedConnector({ ...options, allow: parseAllowList(options.allow), connect_timeout_ms });
  // The deadline of the call bounds the waiting, so the pool has no timeouts of its own.
  const agent = new Agent({
    connect,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  });

  const fetch: GuardedFetch = async (request, { signal }) => {
    signal.throwIfAborted();
    let hop = firstHop(request);
    const deadline = deadlineAfter(timeout_ms, signal);
    try {
      for (let redirects = 0; ; redirects++) {
        const answer = await send(agent, hop, deadline.signal);
        const location = followed(answer, request);
        if (location === undefined) return await responseOf(answer, hop, max_bytes);
        await answer.body.dump({ limit: MAX_REDIRECT_BYTES, signal: deadline.signal });
        if (redirects >= max_redirects) throw httpFailure('too_many_redirects', hop.url.hostname);
        hop = nextHop(hop, answer.statusCode, location);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw deadline.signal.aborted
        ? httpFailure('timeout', hop.url.hostname)
        : failureOf(error, hop.url.hostname);
    } finally {
      deadline.clear();
    }
  };
  return Object.assign(fetch, { close: () => agent.close() });
}

function firstHop({ method, url, headers = {}, body = null }: FetchRequest): Hop {
  return { method, url: parseTarget(url), headers: requestHeaders(headers), body };
}

function deadlineAfter(timeout_ms: number, outer: AbortSignal) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeout_ms);
  return { signal: AbortSignal.any([outer, controller.signal]), clear: () => clearTimeout(timer) };
}

function send(
  agent: Agent,
  { method, url, headers, body }: Hop,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  return agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    body,
    signal,
  });
}

function followed(
  { statusCode, headers }: Dispatcher.ResponseData,
  request: FetchRequest,
): string | undefined {
  if (!isRedirect(statusCode) || request.final_statuses?.includes(statusCode)) return undefined;
  const { location } = headers;
  return Array.isArray(location) ? location[0] : location;
}

async function responseOf(
  answer: Dispatcher.ResponseData,
  hop: Hop,
  max_bytes: number,
): Promise<FetchResponse> {
  const host = hop.url.hostname;
  try {
    const headers = headersOf(answer.headers, host);
    if (hop.method !== 'HEAD' && Number(headers['content-length'] ?? 0) > max_bytes) {
      throw httpFailure('response_too_large', host);
    }
    const raw = await collect(answer.body, { host, max_bytes });
    const decoded = await decode(raw, headers['content-encoding'] ?? '', { host, max_bytes });
    const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers;
    return {
      status: answer.statusCode,
      headers: decoded ? rest : headers,
      body: decoded ?? raw,
      url: hop.url.href,
    };
  } catch (error) {
    // Whatever is still on its way is not wanted any more, and must not be read into memory.
    answer.body.on('error', () => undefined).destroy();
    throw error;
  }
}

function headersOf(headers: Dispatcher.ResponseData['headers'], host: string): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  );
  const count = Object.values(headers).reduce(
    (sum, value) => sum + (Array.isArray(value) ? value.length : 1),
    0,
  );
  if (count > MAX_HEADERS) throw httpFailure('response_too_large', host);
  return Object.fromEntries(entries);
}
