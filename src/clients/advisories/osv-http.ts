import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../contract/errors.ts';
import type { FetchResponse, GuardedFetch } from '../http/guarded-fetch.ts';

export interface OsvHttpOptions {
  fetch: GuardedFetch;
  /** The address before `/v1`. */
  base_url: string;
  /** A server that asks to wait longer is not waited for. */
  max_wait_ms?: number;
  first_retry_ms?: number;
}

/** Why the server did not tell; the message may be shown. */
export class OsvFailure extends Error {
  override readonly name = 'OsvFailure';
  readonly status: number | undefined;
  /** Before the same again; undefined when that makes no sense. */
  readonly retry_ms: number | undefined;

  constructor(message: string, more: { status?: number; retry_ms?: number } = {}) {
    super(message);
    this.status = more.status;
    this.retry_ms = more.retry_ms;
  }
}

export interface OsvRequest {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
}

/** The text of a 2xx. */
export type OsvHttp = (request: OsvRequest, signal: AbortSignal) => Promise<string>;

const ATTEMPTS = 3;

/**
 * Calls a server that speaks the OSV API, and again when it is busy or away: every call of that API only reads. Rejects
 * with `OsvFailure` and with the reason of the signal.
 */
export function osvHttp(options: OsvHttpOptions): OsvHttp {
  const { max_wait_ms = 30_000, first_retry_ms = 500 } = options;
  return async (request, signal) => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await tryOnce(options, request, signal);
      if (typeof answer === 'string') return answer;
      if (answer.retry_ms === undefined || attempt >= ATTEMPTS) throw answer;
      const wait_ms = Math.max(answer.retry_ms, first_retry_ms * 2 ** (attempt - 1));
      if (wait_ms > max_wait_ms) throw answer;
      await pause(wait_ms, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  };
}

async function tryOnce(
  { fetch, base_url }: OsvHttpOptions,
  { method, path, body }: OsvRequest,
  signal: AbortSignal,
): Promise<string | OsvFailure> {
  const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  try {
    const answer = await fetch(
      {
        method,
        url: base_url.replace(/\/+$/, '') + path,
        headers: { accept: 'application/json', ...content },
        body: body === undefined ? null : JSON.stringify(body),
      },
      { signal },
    );
    return judged(answer);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) return new OsvFailure('The source of advisories may not be called.');
    return new OsvFailure('The source of advisories could not be reached.', { retry_ms: 0 });
  }
}

function judged({ status, headers, body }: FetchResponse): string | OsvFailure {
  if (status >= 200 && status < 300) return Buffer.from(body).toString('utf8');
  const is_away = status === 429 || status >= 500;
  return new OsvFailure(`The source of advisories answered ${status}.`, {
    status,
    retry_ms: is_away ? retryAfterMs(headers['retry-after']) : undefined,
  });
}

/** Seconds, or a date. */
function retryAfterMs(value = ''): number {
  const ms = /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
