import type { Request, Response } from 'express';
import { STREAMED } from '../route.ts';
import { bell, pumpStream, type StreamFeed } from '../stream-pump.ts';
import { CLOSE, socketWriter, type SocketWriter } from './socket-writer.ts';
import { acceptSocket } from './upgrade.ts';

export interface SocketStreamOptions<P> {
  req: Request;
  res: Response;
  feed: StreamFeed<P>;
  /** After the last event the caller has. */
  from: P;
  /** Asked once when there is nothing to send at first: is everything over? Then it ends at once. */
  isOver?: () => Promise<boolean>;
  heartbeat_ms?: number;
  /** A reader that leaves more than this unread is disconnected; it may come back with its last id. */
  buffer_cap_bytes?: number;
  /** So is one that reads nothing at all for this long. */
  stall_ms?: number;
  /** Ends the stream, at shutdown. */
  signal?: AbortSignal;
}

/** Streams events over a WebSocket, one frame `{id, event}` each. Resolves when the stream is over. */
export async function streamToSocket<P>(options: SocketStreamOptions<P>): Promise<typeof STREAMED> {
  const { req, res, heartbeat_ms = 15_000, buffer_cap_bytes = 1_048_576, stall_ms = 30_000 } = options;
  const news = bell();
  const { signal } = options;
  const socket = await acceptSocket(req, res);
  const writer = socketWriter(socket, {
    heartbeat_ms,
    buffer_cap_bytes,
    stall_ms,
    signal,
    onBeat: news.ring,
  });
  try {
    await send(options, writer, news);
  } catch (error) {
    writer.end(CLOSE.failed, 'Something went wrong: come back with the last id.');
    throw error;
  }
  return STREAMED;
}

async function send<P>(
  { feed, from, isOver }: SocketStreamOptions<P>,
  writer: SocketWriter,
  news: ReturnType<typeof bell>,
): Promise<void> {
  const unsubscribe = await feed.subscribe(news.ring);
  try {
    // After subscribing: what happens between the two is seen by the first or announced by the second.
    const first = await feed.fetchAfter(from);
    const is_over = first.items.length === 0 && (await isOver?.());
    if (!is_over) await pumpStream(feed, writer, first, news);
    writer.end(CLOSE.over, 'There will be no more events.');
  } finally {
    unsubscribe();
  }
}
