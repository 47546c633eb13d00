import { STREAMED } from '../route.ts';
import { bell, paceOf, pumpStream, type Bell, type StreamOptions } from '../stream-pump.ts';
import { CLOSE, socketWriter, type SocketWriter } from './socket-writer.ts';
import { acceptSocket } from './upgrade.ts';

/** Streams events over a WebSocket, one frame `{id, event}` each. Resolves when the stream is over. */
export async function streamToSocket<P>(options: StreamOptions<P>): Promise<typeof STREAMED> {
  const news = bell();
  const socket = await acceptSocket(options.req, options.res);
  const writer = socketWriter(socket, { ...paceOf(options), onBeat: news.ring });
  try {
    await send(options, writer, news);
  } catch (error) {
    writer.end(CLOSE.failed, 'Something went wrong: come back with the last id.');
    throw error;
  }
  return STREAMED;
}

async function send<P>(
  { feed, from, isOver }: StreamOptions<P>,
  writer: SocketWriter,
  news: Bell,
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
