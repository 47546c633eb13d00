import { createHash } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';
import type { EngineFrame, EngineState, RefineRequest } from '../../contract/spec-engine.ts';
import { beginThread, type Thread, type WorkOptions } from './thread-work.ts';

export interface ThreadLimits {
  /** Threads that are kept. */
  threads: number;
  /** So long one is kept once it has ended. */
  age_ms: number;
  /** Of all threads together. */
  bytes: number;
  /** Threads that are worked on at a time. */
  working: number;
}

export const THREAD_LIMITS: ThreadLimits = {
  threads: 1_000,
  age_ms: 3_600_000,
  bytes: 67_108_864,
  working: 16,
};

export interface Threads {
  /** Begins work, or finds the same request again. Throws `state_conflict` for another one, `overloaded` for too many at once. */
  invoke(request: RefineRequest): EngineState;
  state(thread_id: string): EngineState | undefined;
  /** The frames behind one; undefined for no such thread. */
  framesAfter(thread_id: string, seq: number): readonly EngineFrame[] | undefined;
  /** Calls back when there is more to see, or nothing any more; answers what ends that. */
  listen(thread_id: string, listener: () => void): () => void;
  /** Whether there was such a thread. */
  forget(thread_id: string): boolean;
  close(): void;
}

interface Kept {
  thread: Thread;
  body: string;
}

/** The threads of an engine, in memory: bounded by their number, age and size, the oldest that have ended go first. */
export function threadStore(options: WorkOptions & { limits?: Partial<ThreadLimits> }): Threads {
  const limits = { ...THREAD_LIMITS, ...options.limits };
  const kept = new Map<string, Kept>();
  let working = 0;

  const drop = (id: string) => {
    const found = kept.get(id);
    if (!found || !kept.delete(id)) return false;
    found.thread.stop(new AppError('not_found', { detail: 'The thread was forgotten.' }));
    for (const listener of found.thread.listeners) listener();
    return true;
  };
  const tidy = (room_for: number) => {
    const ended = [...kept].filter(([, { thread }]) => thread.ended_ms !== undefined);
    let bytes = [...kept.values()].reduce((sum, { thread }) => sum + thread.bytes, 0);
    for (const [id, { thread }] of ended) {
      const is_old = thread.ended_ms! < options.now() - limits.age_ms;
      if (!is_old && kept.size + room_for <= limits.threads && bytes <= limits.bytes) continue;
      bytes -= thread.bytes;
      drop(id);
    }
  };

  return {
    invoke(request) {
      const body = digestOf(request);
      const known = kept.get(request.thread_id);
      if (known && known.body !== body)
        throw new AppError('state_conflict', { detail: 'This thread was asked for something else.' });
      if (known) return known.thread.state;
      tidy(1);
      if (working >= limits.working || kept.size >= limits.threads)
        throw new AppError('overloaded', {
          detail: 'Too many threads are worked on.',
          retry_after_seconds: 2,
        });
      working += 1;
      const thread = beginThread(request, options, () => {
        working -= 1;
        tidy(0);
      });
      kept.set(request.thread_id, { thread, body });
      return thread.state;
    },
    state: (id) => kept.get(id)?.thread.state,
    framesAfter: (id, seq) => kept.get(id)?.thread.frames.slice(seq),
    listen(id, listener) {
      const listeners = kept.get(id)?.thread.listeners;
      listeners?.add(listener);
      return () => void listeners?.delete(listener);
    },
    forget: drop,
    close() {
      for (const id of [...kept.keys()]) drop(id);
    },
  };
}

/** Of what a request says, whatever the order of its members. */
function digestOf(request: RefineRequest): string {
  return createHash('sha256').update(JSON.stringify(request, sorted)).digest('hex');
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
