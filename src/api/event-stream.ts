import type { Request, Response } from 'express';
import { AppError } from '../contract/errors.ts';
import { STREAMED } from './route.ts';
import { SSE_HEADERS, sseWriter, type SseWriter } from './event-stream-writer.ts';

/** What a stream carries: at least a gapless number and a type; all of it goes out as `data`. */
export interface StreamEvent {
  seq: number;
  type: string;
}

export interface StreamOptions<E extends StreamEvent> {
  req: Request;
  res: Response;
  /** The last event the caller has; 0 is none. See `lastEventId`. */
  last_event_id: number;
  /** Calls back whenever there may be something new; answers how to stop that. */
  subscribe: (onNews: () => void) => (() => void) | Promise<() => void>;
  /** The next events above a number, in order; an empty list when there are none yet. */
  fetchAfter: (seq: number) => Promise<readonly E[]>;
  /** True for the event after which none will come. */
  is_final: (event: E) => boolean;
  /** Asked once when there is nothing to send at first: is everything over? Then the answer is 204. */
  isOver?: () => Promise<boolean>;
  heartbeat_ms?: number;
  /** A reader that leaves more than this unread is disconnected; it may come back with `Last-Event-ID`. */
  buffer_cap_bytes?: number;
  /** So is one that reads nothing at all for this long. */
  stall_ms?: number;
  /** Ends the stream, at shutdown. */
  signal?: AbortSignal;
}

/**
 * Streams events as Server-Sent Events until the final one, the caller's leaving, or shutdown. Reads from the store
 * only as fast as the caller reads, so memory stays flat whatever the backlog is. Resolves when the stream is over.
 */
export async function streamEvents<E extends StreamEvent>(
  options: StreamOptions<E>,
): Promise<typeof STREAMED> {
  const { res, heartbeat_ms = 15_000, buffer_cap_bytes = 1_048_576, stall_ms = 30_000 } = options;
  if (options.req.method === 'HEAD') {
    res.writeHead(200, SSE_HEADERS).end();
    return STREAMED;
  }
  const news = bell();
  const unsubscribe = await options.subscribe(news.ring);
  try {
    // After subscribing: what happens between the two is seen by the first or announced by the second.
    const first = await options.fetchAfter(options.last_event_id);
    if (first.length === 0 && (await options.isOver?.())) {
      res.writeHead(204).end();
      return STREAMED;
    }
    const writer = sseWriter(res, {
      heartbeat_ms,
      buffer_cap_bytes,
      stall_ms,
      signal: options.signal,
      onBeat: news.ring,
    });
    writer.onClose(news.ring);
    await pump({ options, writer, news }, first);
    writer.end();
  } finally {
    unsubscribe();
  }
  return STREAMED;
}

/** Number of the last event the caller has seen: `Last-Event-ID`, 0 without it. Throws `malformed_request`. */
export function lastEventId(req: Request): number {
  const header = req.headers['last-event-id'];
  if (header === undefined || header === '') return 0;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw new AppError('malformed_request', { detail: 'Last-Event-ID must be the number of an event.' });
}

interface Pump<E extends StreamEvent> {
  options: StreamOptions<E>;
  writer: SseWriter;
  news: Bell;
}

async function pump<E extends StreamEvent>(
  { options, writer, news }: Pump<E>,
  first: readonly E[],
): Promise<void> {
  let last = options.last_event_id;
  for (let batch = first; !writer.closed(); batch = await options.fetchAfter(last)) {
    for (const event of batch) {
      await writer.send(event.seq, event.type, JSON.stringify(event));
      if (writer.closed() || options.is_final(event)) return;
      last = event.seq;
    }
    // Each heartbeat rings too: a lost notification costs a delay, never an event.
    if (batch.length === 0) await news.rung();
  }
}

interface Bell {
  ring: () => void;
  /** Resolves at the next ring, at once when it rang since the last time. */
  rung: () => Promise<void>;
}

function bell(): Bell {
  let has_rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      has_rung = true;
      wake?.();
    },
    rung: () =>
      new Promise((resolve) => {
        wake = () => {
          has_rung = false;
          wake = undefined;
          resolve();
        };
        if (has_rung) wake();
      }),
  };
}
