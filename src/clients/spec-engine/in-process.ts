import type { EngineFrame, EngineState, Refiner, SpecEngine } from '../../contract/spec-engine.ts';
import { AppError } from '../../contract/errors.ts';
import { SpecEngineFailure } from './failure.ts';
import { outcomeOf } from './outcome.ts';
import { threadStore, type ThreadLimits, type Threads } from './threads.ts';

export interface InProcessOptions {
  refiner: Refiner;
  work_ms: number;
  onError: (error: unknown) => void;
  now?: () => number;
  limits?: Partial<ThreadLimits>;
}

/** The Spec Engine within this process: no wire, and otherwise what its server does. */
export function inProcessEngine({ now = Date.now, ...options }: InProcessOptions): SpecEngine {
  const threads = threadStore({ ...options, now });
  return {
    async refine(request, signal, onEvent = () => undefined) {
      signal.throwIfAborted();
      invoke(threads, request);
      return outcomeOf(await follow(threads, request.thread_id, { signal, onEvent }));
    },
    forget(thread_id, signal) {
      signal?.throwIfAborted();
      threads.forget(thread_id);
      return Promise.resolve();
    },
    health: () => Promise.resolve({ status: 'ok', engine: options.refiner.engine }),
    close() {
      threads.close();
      return Promise.resolve();
    },
  };
}

function invoke(threads: Threads, request: Parameters<Threads['invoke']>[0]): void {
  try {
    threads.invoke(request);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === 'state_conflict')
      throw new SpecEngineFailure('refused', error.message, { status: 409 });
    const { retry_after_seconds } = error.data;
    throw new SpecEngineFailure('unavailable', error.message, { retry_after_seconds });
  }
}

function follow(
  threads: Threads,
  thread_id: string,
  { signal, onEvent }: { signal: AbortSignal; onEvent: (frame: EngineFrame) => void },
): Promise<EngineState> {
  let seq = 0;
  return new Promise((resolve, reject) => {
    const leave = () => {
      unlisten();
      signal.removeEventListener('abort', giveUp);
    };
    const giveUp = () => {
      leave();
      reject(signal.reason as Error);
    };
    const look = () => {
      const frames = threads.framesAfter(thread_id, seq);
      const state = threads.state(thread_id);
      for (const frame of frames ?? []) {
        seq = frame.seq;
        onEvent(frame);
        if (frame.type !== 'end' || !state) continue;
        leave();
        return resolve(state);
      }
      if (frames && state) return;
      leave();
      reject(new SpecEngineFailure('failed', 'The thread was forgotten.', { engine_code: 'not_found' }));
    };
    const unlisten = threads.listen(thread_id, look);
    signal.addEventListener('abort', giveUp, { once: true });
    look();
  });
}
