import type { StreamFeed } from './stream-pump.ts';

interface Event {
  seq: number;
  type: string;
  text?: string;
}

/** A log that grows, with its listeners: what a store and its notifications look like to a stream. An `end` is its last. */
export function fakeLog() {
  const events: Event[] = [];
  const listeners = new Set<() => void>();
  const feed: StreamFeed<number> = {
    subscribe(onNews) {
      listeners.add(onNews);
      return () => void listeners.delete(onNews);
    },
    fetchAfter(seq) {
      log.fetched += 1;
      const items = events
        .slice(seq, seq + 10)
        .map((event) => ({ id: String(event.seq), event, is_last: event.type === 'end' }));
      return Promise.resolve({ items, position: seq + items.length });
    },
  };
  const log = {
    events,
    listeners,
    feed,
    /** How often somebody has read on. */
    fetched: 0,
    add(type: string, text?: string) {
      events.push({ seq: events.length + 1, type, text });
      for (const listener of listeners) listener();
    },
  };
  return log;
}

export async function until(condition: () => boolean): Promise<void> {
  for (const end_ms = Date.now() + 60_000; !condition() && Date.now() < end_ms;)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}
