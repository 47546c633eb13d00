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
