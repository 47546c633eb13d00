import type { Response } from 'express';
import type { StreamPace, StreamWriter } from './stream-pump.ts';

interface SseWriterOptions extends StreamPace {
  onBeat: () => void;
}

export interface SseWriter extends StreamWriter {
  end(): void;
}

export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Proxies of the nginx kind would hold events back otherwise.
  'X-Accel-Buffering': 'no',
};
const RECONNECT_MS = 1_000;

/** The wire side of an event stream: headers, heartbeats, and the end of readers that don't read. */
export function sseWriter(res: Response, options: SseWriterOptions): SseWriter {
  const { buffer_cap_bytes, stall_ms, signal, onBeat } = options;
  let is_closed = res.destroyed;
  const end = () => {
    if (!is_closed) res.end();
  };
  const write = (text: string): boolean => {
    if (is_closed) return true;
    const flowing = res.write(text);
    if (res.writableLength > buffer_cap_bytes) res.destroy();
    return flowing;
  };
  const beat = setInterval(() => {
    // A reader that is behind has proof of life enough; more bytes would only add to what it doesn't read.
    if (!res.writableNeedDrain) write(': keep-alive\n\n');
    onBeat();
  }, options.heartbeat_ms);
  res.once('close', () => {
    is_closed = true;
    clearInterval(beat);
    signal?.removeEventListener('abort', end);
  });
  signal?.addEventListener('abort', end, { once: true });
  res.writeHead(200, SSE_HEADERS);
  write(`retry: ${RECONNECT_MS}\n\n`);
  if (signal?.aborted) end();
  return {
    async send({ id, event }) {
      // JSON holds no raw line break, so one data line carries it.
      const flowing = write(`id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      if (!flowing && !is_closed) await drained(res, stall_ms);
    },
    closed: () => is_closed || res.writableEnded,
    onClose: (listener) => void res.once('close', listener),
    end,
  };
}

/** Resolves when the reader has caught up or left; one that reads nothing for `stall_ms` is made to leave. */
function drained(res: Response, stall_ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => res.destroy(), stall_ms);
    const done = () => {
      clearTimeout(timer);
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.once('drain', done);
    res.once('close', done);
  });
}
