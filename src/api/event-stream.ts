import type { Request } from 'express';
import { AppError } from '../contract/errors.ts';
import { STREAMED } from './route.ts';
import { SSE_HEADERS, sseWriter } from './event-stream-writer.ts';
import { bell, paceOf, pumpStream, type StreamOptions } from './stream-pump.ts';

/** Streams events as Server-Sent Events, each with all of itself as `data`. Resolves when the stream is over. */
export async function streamEvents<P>(options: StreamOptions<P>): Promise<typeof STREAMED> {
  const { res, feed } = options;
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
    const writer = sseWriter(res, { ...paceOf(options), onBeat: news.ring });
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
