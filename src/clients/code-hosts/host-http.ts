import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import { CodeHostFailure, type HostCall } from '../../contract/code-host.ts';
import type { FetchResponse, GuardedFetch } from '../http/guarded-fetch.ts';

export interface HostHttpOptions {
  fetch: GuardedFetch;
  /** Of the API, without a slash at the end. */
  base_url: string;
  headers: Readonly<Record<string, string>>;
  /** Never shown. */
  token: string;
  /** A host that asks to wait longer is not waited for. */
  max_wait_ms?: number;
  first_retry_ms?: number;
}

export interface HostRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  path: string;
  query?: Readonly<Record<string, string | number>>;
  body?: unknown;
}

export interface HostAnswer {
  headers: Record<string, string>;
  json: unknown;
}

export type HostHttp = (request: HostRequest, call?: HostCall) => Promise<HostAnswer>;

const ATTEMPTS = 3;
const MESSAGE_CHARS = 300;

/**
 * Calls a code host: waits when it asks for that, and repeats what failed on its side, except for a POST, that may have
 * done its work. Throws `CodeHostFailure`, what the guard refuses, and the reason of the signal.
 */
export function hostHttp(options: HostHttpOptions): HostHttp {
  const { max_wait_ms = 60_000, first_retry_ms = 500 } = options;
  return async (request, { signal = new AbortController().signal } = {}) => {
    for (let attempt = 1; ; attempt += 1) {
      const failure = await tryOnce(options, request, signal);
      if (!(failure instanceof CodeHostFailure)) return failure;
      const wait_ms = waitOf(failure, request, first_retry_ms * 2 ** (attempt - 1));
      if (wait_ms === null || wait_ms > max_wait_ms || attempt >= ATTEMPTS) throw failure;
      await pause(wait_ms, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  };
}

/** The value in the form that it must have. Throws `answer_invalid`. */
export function readAnswer<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CodeHostFailure('answer_invalid', 'The code host gave an answer of another form.', {
    cause: parsed.error,
  });
}

/** How long to wait before the same again; null when that makes no sense. */
function waitOf(failure: CodeHostFailure, { method }: HostRequest, backoff_ms: number): number | null {
  if (failure.code === 'rate_limited') return (failure.retry_after_seconds ?? 60) * 1_000;
  return failure.code === 'unavailable' && method !== 'POST' ? backoff_ms : null;
}

async function tryOnce(
  { fetch, base_url, headers, token }: HostHttpOptions,
  { method, path, query = {}, body }: HostRequest,
  signal: AbortSignal,
): Promise<HostAnswer | CodeHostFailure> {
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  const url = base_url + path + (search === '' ? '' : `?${search}`);
  const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  try {
    const answer = await fetch(
      {
        method,
        url,
        headers: { ...headers, ...content },
        body: body === undefined ? null : JSON.stringify(body),
      },
      { signal },
    );
    return judged(answer, token);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) throw error;
    return new CodeHostFailure('unavailable', 'The code host could not be reached.', { cause: error });
  }
}

function judged(answer: FetchResponse, token: string): HostAnswer | CodeHostFailure {
  const { status, headers } = answer;
  const json = jsonOf(answer);
  if (status >= 200 && status < 300) {
    return json === undefined
      ? new CodeHostFailure('answer_invalid', 'The code host did not answer with JSON.')
      : { headers, json };
  }
  const message = `The code host answered ${status}${messageOf(json, token)}.`;
  if (status === 429 || (status === 403 && isRateLimit(headers))) {
    return new CodeHostFailure('rate_limited', message, { retry_after_seconds: retryAfter(headers) });
  }
  if (status === 401 || status === 403) return new CodeHostFailure('unauthorized', message);
  if (status === 404 || status === 410) return new CodeHostFailure('not_found', message);
  return new CodeHostFailure(status >= 500 ? 'unavailable' : 'rejected', message);
}

function jsonOf({ body }: FetchResponse): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

const isRateLimit = (headers: Record<string, string>): boolean =>
  headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0';

function retryAfter(headers: Record<string, string>): number {
  const after = headers['retry-after'] ?? '';
  if (/^\d{1,6}$/.test(after)) return Number(after);
  const reset = headers['x-ratelimit-reset'] ?? '';
  return /^\d{1,12}$/.test(reset) ? Math.max(0, Number(reset) - Math.floor(Date.now() / 1_000)) : 60;
}

/** What the host says of it: its message and those of single fields. */
function messageOf(json: unknown, token: string): string {
  if (typeof json !== 'object' || json === null) return '';
  const { message, error, errors } = json as Record<string, unknown>;
  const details = Array.isArray(errors)
    ? errors.map((one) => (one as { message?: unknown } | null)?.message)
    : [];
  const texts = [message ?? error, ...details].filter((text) => typeof text === 'string' && text !== '');
  return texts.length === 0 ? '' : `: ${texts.join('; ').replaceAll(token, '***').slice(0, MESSAGE_CHARS)}`;
}
