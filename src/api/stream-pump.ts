import type { Request, Response } from 'express';

/** One event on a stream, and the id a reader comes back with. */
export interface StreamItem {
  id: string;
  event: { type: string };
  /** None will come after it. */
  is_last: boolean;
}

export interface StreamBatch<P> {
  items: readonly StreamItem[];
  /** Where to go on. */
  position: P;
}

/** What is streamed: a log that can be read from any place on, and that tells when it grows. */
export interface StreamFeed<P> {
  /** Calls back whenever there may be something new; answers how to stop that. */
  subscribe(onNews: () => void): (() => void) | Promise<() => void>;
  /** The next items after a place, in order; none when there are none yet. */
  fetchAfter(position: P): Promise<StreamBatch<P>>;
}

/** How a stream is kept alive, and how long a slow reader is borne with. */
export interface StreamPace {
  heartbeat_ms: number;
  /** A reader that leaves more than this unread is disconnected; it may come back with the id of the last event it has. */
  buffer_cap_bytes: number;
  /** So is one that reads nothing at all for this long. */
  stall_ms: number;
  /** Ends the stream, at shutdown. */
  signal?: AbortSignal;
}

export interface StreamOptions<P> extends Partial<StreamPace> {
  req: Request;
  res: Response;
  feed: StreamFeed<P>;
  /** After the last event the caller has. */
  from: P;
  /** Asked once when there is nothing to send at first: is everything over? Then there is no stream. */
  isOver?: () => Promise<boolean>;
}

export const paceOf = ({
  heartbeat_ms = 15_000,
  buffer_cap_bytes = 1_048_576,
  stall_ms = 30_000,
  signal,
}: Partial<StreamPace>): StreamPace => ({ heartbeat_ms, buffer_cap_bytes, stall_ms, signal });

/** The wire side of a stream. */
export interface StreamWriter {
  /** Resolves when the reader can take more, or is gone. */
  send(item: StreamItem): Promise<void>;
  closed(): boolean;
  onClose(listener: () => void): void;
}

/**
 * Sends from `first` on until the last item, the reader's leaving, or shutdown. Reads only as fast as the reader does, so
 * memory stays flat whatever the backlog is.
 */
export async function pumpStream<P>(
  feed: StreamFeed<P>,
  writer: StreamWriter,
  first: StreamBatch<P>,
  news: Bell,
): Promise<void> {
  writer.onClose(news.ring);
  for (let batch = first; !writer.closed(); batch = await feed.fetchAfter(batch.position)) {
    for (const item of batch.items) {
      await writer.send(item);
      if (writer.closed() || item.is_last) return;
    }
    // Each heartbeat rings too: a lost notification costs a delay, never an event.
    if (batch.items.length === 0) await news.rung();
  }
}

export interface Bell {
  ring: () => void;
  /** Resolves at the next ring, at once when it rang since the last time. */
  rung: () => Promise<void>;
}

export function bell(): Bell {
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
