import type { WebSocket } from 'ws';
import type { Threads } from './threads.ts';

export interface StreamOptions {
  threads: Threads;
  thread_id: string;
  /** Frames up to this one are not sent. */
  after: number;
  /** A reader that takes nothing for so long is cut off. */
  stall_ms: number;
  ping_ms: number;
}

/** What may lie in a socket that is not read; what is behind it waits in the thread. */
const HIGH_WATER_BYTES = 262_144;
const NORMAL = 1_000;
const GOING_AWAY = 1_001;

/** Sends a thread's frames on a socket: those that are there, then those that come, and closes it behind `end`. */
export function streamThread(
  socket: WebSocket,
  { threads, thread_id, after, stall_ms, ping_ms }: StreamOptions,
): void {
  let seq = after;
  let is_waiting = false;
  let stalled: NodeJS.Timeout | undefined;
  let is_alive = true;

  const leave = () => {
    unlisten();
    clearTimeout(stalled);
    clearInterval(beat);
  };
  const waitForReader = () => {
    is_waiting = true;
    stalled = setTimeout(() => socket.terminate(), stall_ms);
  };
  const goOn = () => {
    clearTimeout(stalled);
    is_waiting = false;
    pump();
  };
  const pump = () => {
    if (is_waiting || socket.readyState !== socket.OPEN) return;
    const frames = threads.framesAfter(thread_id, seq);
    if (!frames) return socket.close(GOING_AWAY, 'the thread is gone');
    for (const frame of frames) {
      seq = frame.seq;
      const is_full = socket.bufferedAmount > HIGH_WATER_BYTES;
      socket.send(JSON.stringify(frame), is_full ? goOn : () => undefined);
      if (is_full) return waitForReader();
    }
    // Where the reader has seen the end already, nothing is left to come.
    const is_over = threads.state(thread_id)?.status !== 'processing';
    if (is_over && seq >= (threads.state(thread_id)?.last_seq ?? 0)) socket.close(NORMAL);
  };

  const beat = setInterval(() => {
    if (!is_alive) return socket.terminate();
    is_alive = false;
    socket.ping();
  }, ping_ms);
  const unlisten = threads.listen(thread_id, () => setImmediate(pump));
  socket.on('pong', () => (is_alive = true));
  // A close follows, whatever it was.
  socket.on('error', () => undefined);
  socket.once('close', leave);
  pump();
}
