import { WebSocket } from 'ws';
import { SPEC_ENGINE_LIMITS, type EngineFrame } from '../../contract/spec-engine.ts';
import { jsonIn } from './json-in.ts';
import * as wire from './wire.ts';

export interface StreamSource {
  /** Without a slash at the end. */
  base_url: string;
  /** Never shown. */
  token?: string;
  /** For opening it, and the longest silence on it. */
  timeout_ms: number;
}

/** How far a thread has been followed. */
export interface Progress {
  /** Of the latest frame that was passed on. */
  seq: number;
  /** The type of the latest one that says something of the work, and what an error said. */
  last?: EngineFrame;
  ended: boolean;
  /** What is left of what is taken from one thread. */
  frames_left: number;
  bytes_left: number;
}

export const STREAM_LIMITS = { frames: 10_000, bytes: 16_777_216 } as const;
const MAX_STRANGE_FRAMES = 100;

/**
 * Follows a thread's stream until it closes, says `end`, is silent too long or not what it should be; never rejects. Frames that
 * were seen before are passed over. It goes to the address of the configuration and follows no redirect, so it needs no guard.
 */
export function followStream(
  { base_url, token, timeout_ms }: StreamSource,
  {
    thread_id,
    progress,
    onEvent,
  }: { thread_id: string; progress: Progress; onEvent: (frame: EngineFrame) => void },
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || progress.frames_left <= 0 || progress.bytes_left <= 0) return Promise.resolve();
  const socket = new WebSocket(
    `${base_url.replace(/^http/i, 'ws')}/spec-engine/stream/${thread_id}?after=${progress.seq}`,
    {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      handshakeTimeout: timeout_ms,
      maxPayload: SPEC_ENGINE_LIMITS.bytes,
      perMessageDeflate: false,
      followRedirects: false,
      rejectUnauthorized: true,
    },
  );
  const cut = () => socket.terminate();
  let silence = setTimeout(cut, timeout_ms);
  let strange = 0;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(cut, timeout_ms);
  };
  signal.addEventListener('abort', cut, { once: true });
  socket.on('error', () => undefined);
  // Somebody is there, though nothing is new.
  socket.on('ping', heard);
  socket.on('message', (data: Buffer, is_binary) => {
    heard();
    // What had arrived before it was cut is still handed over.
    if (progress.ended || signal.aborted || progress.frames_left <= 0 || progress.bytes_left <= 0) return;
    const frame = is_binary ? undefined : wire.frame.safeParse(jsonIn(data)).data;
    progress.frames_left -= 1;
    progress.bytes_left -= data.length;
    if (!frame || frame.seq <= progress.seq) strange += 1;
    else take(frame, progress, onEvent);
    if (
      progress.ended ||
      strange > MAX_STRANGE_FRAMES ||
      progress.frames_left <= 0 ||
      progress.bytes_left <= 0
    )
      cut();
  });
  return new Promise((resolve) => {
    socket.once('close', () => {
      clearTimeout(silence);
      signal.removeEventListener('abort', cut);
      resolve();
    });
  });
}

function take(frame: EngineFrame, progress: Progress, onEvent: (frame: EngineFrame) => void): void {
  progress.seq = frame.seq;
  if (frame.type === 'end') progress.ended = true;
  else if (frame.type !== 'status') progress.last = frame;
  onEvent(frame);
}
