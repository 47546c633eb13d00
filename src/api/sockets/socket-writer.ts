import type { WebSocket } from 'ws';
import type { StreamItem, StreamPace, StreamWriter } from '../stream-pump.ts';

interface SocketWriterOptions extends StreamPace {
  onBeat: () => void;
}

export interface SocketWriter extends StreamWriter {
  end(code: number, reason: string): void;
}

/** Close codes of RFC 6455 and its registry. */
export const CLOSE = { over: 1000, going_away: 1001, failed: 1011, too_slow: 1013 } as const;

/** Unread bytes from which on a reader is waited for. */
const HIGH_WATER_BYTES = 65_536;
/** A peer that does not answer a close gets no more time than this. */
const CLOSE_GRACE_MS = 1_000;

/** The wire side of a stream over a WebSocket: frames `{id, event}`, heartbeats, and the end of readers that don't read. */
export function socketWriter(socket: WebSocket, options: SocketWriterOptions): SocketWriter {
  const { buffer_cap_bytes, stall_ms, signal, onBeat } = options;
  let is_closed = false;
  let is_alive = true;

  function end(code: number, reason: string): void {
    if (is_closed) return;
    is_closed = true;
    socket.close(code, reason);
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
  }
  const goAway = () => end(CLOSE.going_away, 'The server stops.');
  const dropSlow = () => end(CLOSE.too_slow, 'Too slow: come back with the last id.');

  const beat = setInterval(() => {
    if (!is_alive) socket.terminate();
    // A reader that is behind is watched by what it takes; it may come to a ping late.
    is_alive = socket.bufferedAmount > 0;
    if (!is_alive) socket.ping();
    onBeat();
  }, options.heartbeat_ms);
  socket.on('pong', () => (is_alive = true));
  // A close follows, whatever it was.
  socket.on('error', () => undefined);
  socket.once('close', () => {
    is_closed = true;
    clearInterval(beat);
    signal?.removeEventListener('abort', goAway);
  });
  signal?.addEventListener('abort', goAway, { once: true });
  if (signal?.aborted) goAway();

  return {
    async send({ id, event }: StreamItem) {
      if (is_closed) return;
      const flushed = new Promise<void>((resolve) =>
        socket.send(JSON.stringify({ id, event }), () => resolve()),
      );
      if (socket.bufferedAmount > buffer_cap_bytes) dropSlow();
      else if (socket.bufferedAmount > HIGH_WATER_BYTES) await within(stall_ms, flushed, dropSlow);
    },
    closed: () => is_closed,
    onClose: (listener) => void socket.once('close', listener),
    end,
  };
}

async function within(ms: number, work: Promise<void>, onLate: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      onLate();
      resolve();
    }, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
