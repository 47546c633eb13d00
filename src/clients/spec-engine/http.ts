import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { EngineHealth, EngineState, RefineRequest } from '../../contract/spec-engine.ts';
import type { FetchResponse, GuardedFetch } from '../http/guarded-fetch.ts';
import type { Breaker } from '../breaker.ts';
import { isUnavailable, SpecEngineFailure } from './failure.ts';
import { jsonIn } from './json-in.ts';
import * as wire from './wire.ts';

export interface EngineHttpOptions {
  fetch: GuardedFetch;
  /** Without a slash at the end. */
  base_url: string;
  /** Never shown. */
  token?: string;
  breaker: Breaker;
  /** So often one request is sent, at most. */
  attempts: number;
  /** The pause before the second attempt; each further one is twice as long. */
  first_pause_ms: number;
  /** 0 to 1. */
  random: () => number;
}

interface Ask {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: unknown;
}

const LONGEST_PAUSE_MS = 10_000;

/** The requests of docs/spec-engine.md, each tried several times. All throw `SpecEngineFailure`, and the reason of the signal. */
export function engineHttp(options: EngineHttpOptions) {
  const ask = (asked: Ask, signal: AbortSignal) =>
    retrying(options, signal, () => options.breaker.run(() => send(options, asked, signal), signal));

  return {
    async invoke(request: RefineRequest, signal: AbortSignal): Promise<void> {
      required(await ask({ method: 'POST', path: '/spec-engine/invoke', body: request }, signal), [200, 202]);
    },
    /** Undefined for a thread that the engine does not know. */
    async state(thread_id: string, signal: AbortSignal): Promise<EngineState | undefined> {
      const answer = await ask({ method: 'GET', path: `/spec-engine/state/${thread_id}` }, signal);
      if (answer.status === 404) return undefined;
      const state = read(wire.state, required(answer, [200]));
      if (state.thread_id !== thread_id) throw unreadable();
      return state;
    },
    async forget(thread_id: string, signal: AbortSignal): Promise<void> {
      required(
        await ask({ method: 'DELETE', path: `/spec-engine/state/${thread_id}` }, signal),
        [200, 202, 204, 404],
      );
    },
    async health(signal: AbortSignal): Promise<EngineHealth> {
      return read(wire.health, required(await ask({ method: 'GET', path: '/health' }, signal), [200]));
    },
  };
}

export type EngineHttp = ReturnType<typeof engineHttp>;

/** Between 50 % and 100 % of a pause that doubles. */
export function pauseAfter(
  failures: number,
  { first_pause_ms, random }: Pick<EngineHttpOptions, 'first_pause_ms' | 'random'>,
): number {
  return Math.min(LONGEST_PAUSE_MS, first_pause_ms * 2 ** (failures - 1)) * (1 - random() / 2);
}

async function retrying<T>(
  options: EngineHttpOptions,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || failures >= options.attempts) throw error;
      const asked_ms = (error.details.retry_after_seconds ?? 0) * 1_000;
      // Who asks for a longer time is left alone by failing.
      if (asked_ms > LONGEST_PAUSE_MS) throw error;
      await pause(Math.max(asked_ms, pauseAfter(failures, options)), undefined, { signal });
    }
  }
}

async function send(
  { fetch, base_url, token }: EngineHttpOptions,
  { method, path, body }: Ask,
  signal: AbortSignal,
): Promise<FetchResponse> {
  const headers = {
    accept: 'application/json',
    'user-agent': 'orchestrator',
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
  if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) return answer;
  throw new SpecEngineFailure('unavailable', `The Spec Engine answered ${answer.status}.`, {
    retry_after_seconds: secondsOf(answer.headers['retry-after']),
  });
}

function unreachable(error: unknown): SpecEngineFailure {
  if (error instanceof AppError)
    return new SpecEngineFailure('refused', 'The Spec Engine may not be called.', { cause: error });
  return new SpecEngineFailure(
    'unavailable',
    'The Spec Engine could not be reached, or its answer not be read.',
    { cause: error },
  );
}

function secondsOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}

function required(answer: FetchResponse, wanted: readonly number[]): FetchResponse {
  const { status } = answer;
  if (wanted.includes(status)) return answer;
  if (status >= 400)
    throw new SpecEngineFailure('refused', `The Spec Engine refused the request with ${status}.`, { status });
  throw unreadable();
}

function read<T>(schema: z.ZodType<T>, { body }: FetchResponse): T {
  const value = schema.safeParse(jsonIn(body)).data;
  if (value === undefined) throw unreadable();
  return value;
}

const unreadable = () =>
  new SpecEngineFailure('unavailable', 'The Spec Engine gave an answer of another form.');
