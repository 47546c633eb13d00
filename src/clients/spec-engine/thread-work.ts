import { AppError } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import type {
  EngineError,
  EngineFrame,
  EngineState,
  FrameType,
  Refiner,
  RefineRequest,
} from '../../contract/spec-engine.ts';

/** One thread: what it is asked, what has become of it, and who looks on. */
export interface Thread {
  state: EngineState;
  frames: EngineFrame[];
  /** Of its frames and its result. */
  bytes: number;
  ended_ms?: number;
  listeners: Set<() => void>;
  /** Gives up work under way. */
  stop: (reason: unknown) => void;
}

export interface WorkOptions {
  refiner: Refiner;
  now: () => number;
  /** So long a thread may be worked on. */
  work_ms: number;
  /** A defect, or what failed without a reason that may be shown. */
  onError: (error: unknown) => void;
}

const MAX_PROGRESS = 500;

/** Begins work on a thread; `onEnd` is called once it is over, however it ended. */
export function beginThread(request: RefineRequest, options: WorkOptions, onEnd: () => void): Thread {
  const { refiner, now, work_ms } = options;
  const given_up = new AbortController();
  const thread: Thread = {
    state: { thread_id: request.thread_id, status: 'processing', last_seq: 0 },
    frames: [],
    bytes: 0,
    listeners: new Set(),
    stop: (reason) => given_up.abort(reason),
  };
  const late = setTimeout(() => given_up.abort(lateness()), work_ms);
  const tell = (type: FrameType, data: JsonObject) => addFrame(thread, { type, data, time: new Date(now()) });
  const onProgress = (message: string) => {
    if (thread.state.status === 'processing' && thread.frames.length < MAX_PROGRESS)
      tell('progress', { message });
  };
  tell('status', { status: 'processing', engine: refiner.engine });
  void refiner
    .refine(request, { signal: given_up.signal, onProgress })
    .then(
      (result) => {
        const { patch, files, message, questions, understood } = result;
        thread.state = { ...thread.state, status: 'completed', result };
        thread.bytes += JSON.stringify(result).length;
        tell('patch', { patch: patch.map((each) => ({ ...each })), files });
        tell('message', { message, questions, understood });
        tell('end', { status: 'completed' });
      },
      (failure: unknown) => {
        const error = errorOf(given_up.signal.aborted ? given_up.signal.reason : failure, options.onError);
        thread.state = { ...thread.state, status: 'failed', error };
        tell('error', { ...error });
        tell('end', { status: 'failed' });
      },
    )
    .finally(() => {
      clearTimeout(late);
      thread.ended_ms = now();
      onEnd();
    });
  return thread;
}

function addFrame(
  thread: Thread,
  { type, data, time }: { type: FrameType; data: JsonObject; time: Date },
): void {
  const seq = thread.frames.length + 1;
  thread.frames.push({ seq, type, time: time.toISOString(), data });
  thread.bytes += JSON.stringify(data).length;
  thread.state = { ...thread.state, last_seq: seq };
  for (const listener of thread.listeners) listener();
}

const lateness = () => new AppError('overloaded', { detail: 'The work took longer than allowed.' });

/** What may be shown of a failure. */
function errorOf(failure: unknown, onError: (error: unknown) => void): EngineError {
  if (failure instanceof AppError && failure.family !== 'internal') {
    const problems = (failure.data.errors ?? [])
      .slice(0, 20)
      .map(({ path, message }) => `${path} ${message}`);
    return { code: failure.code, message: [failure.message, ...problems].join(' ').slice(0, 10_000) };
  }
  onError(failure);
  return { code: 'internal', message: 'Something went wrong in the Spec Engine.' };
}
