import { AppError } from '../../contract/errors.ts';
import { breaker } from '../breaker.ts';
import type { FetchResponse, GuardedFetch } from '../http/guarded-fetch.ts';
import { HttpFailure } from '../http/http-failure.ts';
import { ManagerFailure } from './failure.ts';
import { MAX_AGENTS } from './view.ts';
import { jsonOf, readPage, readSingle } from './wire.ts';

export interface ManagerHttpOptions {
  fetch: GuardedFetch;
  /** Without a slash at the end. */
  base_url: string;
  /** Never shown. */
  token?: string;
  /** How long nothing is sent once it has failed five times in a row. */
  open_ms: number;
  now: () => number;
}

/** The record of an agent, or why there is none. */
export type OneAnswer = { agent: unknown } | 'not_found' | 'conflict';

const VERSION = '1';
const PAGE_SIZE = 100;
const MAX_PAGES = 1_000;
const FAILURES = 5;

const leftAlone = () =>
  new ManagerFailure('unavailable', 'The agent manager has failed too often and is left alone for now.');

/** The requests of docs/agent-manager.md. Everything throws `ManagerFailure`, and the reason of the signal. */
export function managerHttp(options: ManagerHttpOptions) {
  const { open_ms, now } = options;
  const guard = breaker({ failures: FAILURES, open_ms, now, isAway: () => true, refusal: leftAlone });

  const ask = (method: 'GET' | 'POST', path: string, more: { signal: AbortSignal; body?: unknown }) =>
    guard.run(() => send(options, { method, path, ...more }), more.signal);

  async function one(method: 'GET' | 'POST', path: string, more: { signal: AbortSignal; body?: unknown }) {
    const { status, json } = await ask(method, path, more);
    if (status === 404) return 'not_found';
    if (status === 409 && method === 'POST') return 'conflict';
    const agent = readSingle(required(status, method === 'GET' ? 200 : 202, json));
    if (agent === undefined) throw invalid('no agent');
    return { agent };
  }

  return {
    /** All records, as they are, and so many at most as a view holds. */
    async list(signal: AbortSignal): Promise<unknown[]> {
      const records: unknown[] = [];
      const asked = new Set<string>();
      for (let cursor: string | null = ''; cursor !== null && records.length < MAX_AGENTS;) {
        // It would go on for ever.
        if (asked.has(cursor) || asked.size >= MAX_PAGES) throw invalid('pages without end');
        asked.add(cursor);
        const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const { status, json } = await ask('GET', `/agents?limit=${PAGE_SIZE}${query}`, { signal });
        const page = readPage(required(status, 200, json));
        if (!page) throw invalid('no page');
        records.push(...page.agents);
        cursor = page.next_cursor;
      }
      return records;
    },

    get: (id: string, signal: AbortSignal): Promise<OneAnswer> =>
      one('GET', `/agents/${encodeURIComponent(id)}`, { signal }),

    restart: (id: string, requested_by: string, signal: AbortSignal): Promise<OneAnswer> =>
      one('POST', `/agents/${encodeURIComponent(id)}/restart`, { signal, body: { requested_by } }),
  };
}

export type ManagerHttp = ReturnType<typeof managerHttp>;

interface Request {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  signal: AbortSignal;
}

/** What says that the manager is not well is a failure; any other status is an answer. */
async function send(
  { fetch, base_url, token }: ManagerHttpOptions,
  { method, path, body, signal }: Request,
): Promise<{ status: number; json: unknown }> {
  const headers = {
    accept: 'application/json',
    'user-agent': 'orchestrator',
    'agent-protocol': VERSION,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const text = body === undefined ? null : JSON.stringify(body);
  const answer = await fetch({ method, url: base_url + path, headers, body: text }, { signal }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw unreachable(error);
    },
  );
  const failure = failureOf(answer);
  if (failure) throw failure;
  return { status: answer.status, json: jsonOf(Buffer.from(answer.body).toString('utf8')) };
}

const BAD_ANSWERS: ReadonlySet<unknown> = new Set([
  'response_too_large',
  'response_invalid',
  'too_many_redirects',
]);

function unreachable(error: unknown): ManagerFailure {
  if (error instanceof HttpFailure && BAD_ANSWERS.has(error.code)) return invalid(error.code, error);
  const is_refused = error instanceof AppError;
  const message = `The agent manager ${is_refused ? 'may not be called' : 'could not be reached'}.`;
  return new ManagerFailure('unavailable', message, error);
}

function failureOf({ status, headers }: FetchResponse): ManagerFailure | undefined {
  const message = `The agent manager answered ${status}.`;
  if (status === 401 || status === 403) return new ManagerFailure('unauthorized', message);
  if (status >= 500 || status === 429) return new ManagerFailure('unavailable', message);
  // Who does not say which version it speaks may be anything, a gateway's 404 too.
  return headers['agent-protocol'] === VERSION ? undefined : invalid('no version of ours');
}

function required(status: number, wanted: number, json: unknown): unknown {
  if (status === wanted) return json;
  if (status >= 200 && status < 300) throw invalid(`status ${status}`);
  throw new ManagerFailure('rejected', `The agent manager answered ${status}.`);
}

const invalid = (what: string, cause?: unknown) =>
  new ManagerFailure('answer_invalid', `The agent manager gave an answer of another form: ${what}.`, cause);
