import type { Request, Response } from 'express';
import { AppError } from '../contract/errors.ts';
import { STREAMED } from './route.ts';
import { SSE_HEADERS, sseWriter } from './event-stream-writer.ts';
import { bell, pumpStream, type StreamFeed } from './stream-pump.ts';

export interface StreamOptions<P> {
  req: Request;
  res: Response;
  feed: StreamFeed<P>;
  /** After the last event the caller has. See `lastEventId`. */
  from: P;
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

/** Streams events as Server-Sent Events, each with all of itself as `data`. Resolves when the stream is over. */
export async function streamEvents<P>(options: StreamOptions<P>): Promise<typeof STREAMED> {
  const { res, feed, heartbeat_ms = 15_000, buffer_cap_bytes = 1_048_576, stall_ms = 30_000 } = options;
  if (options.req.method === 'HEAD') {
    res.writeHead(200, SSE_HEADERS).end();
    return STREAMED;
  }
  const news = bell();
  const unsubscribe = await feed.subscribe(news.ring);
  try {
    // After subscribing: what happens between the two is seen by the first or announced by the second.
    const first = await feed.fetchAfter(options.from);
    if (first.items.length === 0 && (await options.isOver?.())) {
      res.writeHead(204).end();
      return STREAMED;
    }
    const { signal } = options;
    const writer = sseWriter(res, { heartbeat_ms, buffer_cap_bytes, stall_ms, signal, onBeat: news.ring });
    await pumpStream(feed, writer, first, news);
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
