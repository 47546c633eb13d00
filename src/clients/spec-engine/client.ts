import { setTimeout as pause } from 'node:timers/promises';
import type {
  EngineFrame,
  EngineResult,
  EngineState,
  RefineRequest,
  SpecEngine,
} from '../../contract/spec-engine.ts';
import { createGuardedFetch } from '../http/guarded-fetch.ts';
import { breaker } from '../breaker.ts';
import { isUnavailable, leftAlone, SpecEngineFailure } from './failure.ts';
import { engineHttp, pauseAfter, type EngineHttp } from './http.ts';
import { outcomeOf } from './outcome.ts';
import { followStream, STREAM_LIMITS, type Progress, type StreamSource } from './stream.ts';

export interface SpecEngineClientOptions {
  url: string;
  /** Never shown. */
  token?: string;
  /** Internal destinations that may be called besides the host of `url`, which the operator has named. */
  allow_hosts?: readonly string[];
  /** For one request, for opening the stream, and the longest silence on it. */
  timeout_ms: number;
  /** For a whole refinement, whatever the engine does. */
  work_ms: number;
  attempts?: number;
  first_pause_ms?: number;
  /** How often the state is asked for where there is no stream. */
  poll_ms?: number;
  /** When the circuit opens, and for how long. */
  failures?: number;
  open_ms?: number;
  /** 0 to 1. */
  random?: () => number;
  now?: () => number;
}

/** So often a stream may break without having brought anything; then the state is asked for instead. */
const MAX_BREAKS = 4;
/** So often an engine that has forgotten a thread is asked again. */
const MAX_RESTARTS = 3;
/** Of an answer; its frames and its state hold what a request may hold, and a little more. */
const MAX_ANSWER_BYTES = 1_048_576;

/** The client of a Spec Engine (docs/spec-engine.md). Throws `validation_failed` for a bad list of hosts. */
export function specEngineClient(options: SpecEngineClientOptions): SpecEngine {
  const { token, timeout_ms, random = Math.random, now = () => performance.now() } = options;
  const base_url = options.url.replace(/\/+$/, '');
  const fetch = createGuardedFetch({
    allow: [new URL(base_url).host, ...(options.allow_hosts ?? [])],
    timeout_ms,
    max_response_bytes: MAX_ANSWER_BYTES,
    max_redirects: 0,
  });
  const over = new AbortController();
  const first_pause_ms = options.first_pause_ms ?? 250;
  const http = engineHttp({
    fetch,
    base_url,
    token,
    breaker: breaker({
      failures: options.failures ?? 5,
      open_ms: options.open_ms ?? 15_000,
      now,
      isAway: isUnavailable,
      refusal: leftAlone,
    }),
    attempts: options.attempts ?? 4,
    first_pause_ms,
    random,
  });
  const source = { base_url, token, timeout_ms };
  const either = (signal?: AbortSignal) => (signal ? AbortSignal.any([signal, over.signal]) : over.signal);

  return {
    refine(request, signal, onEvent = () => undefined) {
      const rhythm = { first_pause_ms, random, poll_ms: options.poll_ms ?? 1_000 };
      return within(options.work_ms, either(signal), (limited) =>
        refine({ http, source, rhythm, request, onEvent, signal: limited }),
      );
    },
    forget: (thread_id, signal) => http.forget(thread_id, either(signal)),
    health: (signal) => http.health(either(signal)),
    async close() {
      over.abort(new SpecEngineFailure('unavailable', 'The client of the Spec Engine was closed.'));
      await fetch.close();
    },
  };
}

interface Refinement {
  http: EngineHttp;
  source: StreamSource;
  rhythm: { first_pause_ms: number; random: () => number; poll_ms: number };
  request: RefineRequest;
  onEvent: (frame: EngineFrame) => void;
  signal: AbortSignal;
}

async function refine(refinement: Refinement): Promise<EngineResult> {
  const { http, request, signal } = refinement;
  for (let restarts = 0; ; restarts++) {
    await http.invoke(request, signal);
    const state = await followToEnd(refinement);
    if (state) return outcomeOf(state);
    // It was killed, or had no more room, and knows nothing of the thread: it may begin anew.
    if (restarts >= MAX_RESTARTS)
      throw new SpecEngineFailure('unavailable', 'The Spec Engine keeps forgetting the thread.');
  }
}

/** The final state of a thread; undefined when the engine does not know it any more. */
async function followToEnd(refinement: Refinement): Promise<EngineState | undefined> {
  const { http, source, rhythm, request, onEvent, signal } = refinement;
  const { thread_id } = request;
  const progress: Progress = {
    seq: 0,
    ended: false,
    frames_left: STREAM_LIMITS.frames,
    bytes_left: STREAM_LIMITS.bytes,
  };
  for (let breaks = 0; ;) {
    const before = progress.seq;
    if (breaks <= MAX_BREAKS && !progress.ended)
      await followStream(source, { thread_id, progress, onEvent }, signal);
    signal.throwIfAborted();
    const state = await http.state(thread_id, signal);
    if (!state) return undefined;
    // An engine whose last word was an error has failed, whatever else it says.
    if (progress.ended && progress.last?.type === 'error') return failedBy(state, progress.last);
    if (state.status !== 'processing') return state;
    breaks = progress.seq > before && !progress.ended ? 1 : breaks + 1;
    const wait_ms = breaks > MAX_BREAKS ? rhythm.poll_ms : pauseAfter(breaks, rhythm);
    await pause(wait_ms, undefined, { signal });
  }
}

function failedBy(state: EngineState, { data }: EngineFrame): EngineState {
  const { code, message } = data;
  const said = {
    code: typeof code === 'string' ? code.slice(0, 100) : 'error',
    message: typeof message === 'string' ? message.slice(0, 10_000) : 'The Spec Engine failed.',
  };
  return { ...state, status: 'failed', error: state.error ?? said };
}

/** Bounds the whole of a refinement. */
async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (!late.signal.aborted) throw error;
    throw new SpecEngineFailure('unavailable', 'The Spec Engine did not finish in time.', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
