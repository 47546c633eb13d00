import type { SandboxOutputChunk } from '../contract/sandbox.ts';
import { toCharacterEnd } from './output-capture.ts';

export interface OutputPacer {
  push(stream: SandboxOutputChunk['stream'], chunk: Buffer): void;
  /** Sends what is left, at most one chunk per stream, and stops. */
  end(): void;
}

const CHUNK_BYTES = 16 * 1024;
/** Text can be three times as long as broken UTF-8, so that much is cut when it is. */
const BROKEN_CHUNK_BYTES = Math.floor(CHUNK_BYTES / 3);
const BACKLOG_BYTES = 64 * 1024;
const WINDOW_MS = 1_000;
const CHUNKS_PER_WINDOW = 10;
/** Kept back in every window, so that `end` can speak for both streams at once. */
const RESERVED_FOR_END = 2;
/** Small writes close together become one chunk. */
const GATHER_MS = 25;

type Stream = SandboxOutputChunk['stream'];

interface Backlog {
  bytes: Buffer;
  lost: number;
}

/**
 * Turns raw output into chunks of at most 16 KiB, at most ten in any second. A program that writes faster
 * loses the older part of its live view (a mark says how much); the result keeps head and tail of it all.
 */
export function outputPacer(send: ((chunk: SandboxOutputChunk) => void) | undefined): OutputPacer {
  const backlog: Record<Stream, Backlog> = { stdout: emptyBacklog(), stderr: emptyBacklog() };
  const sent_at: number[] = [];
  let timer: NodeJS.Timeout | undefined;

  function push(stream: Stream, chunk: Buffer): void {
    if (!send) return;
    keep(backlog[stream], chunk, BACKLOG_BYTES);
    timer ??= setTimeout(flush, GATHER_MS);
  }

  function flush(): void {
    timer = undefined;
    const now = performance.now();
    while (sent_at.length > 0 && now - (sent_at[0] ?? 0) >= WINDOW_MS) sent_at.shift();
    for (const stream of ['stdout', 'stderr'] as const) {
      if (sent_at.length < CHUNKS_PER_WINDOW - RESERVED_FOR_END) sendOne(stream);
    }
    if (backlog.stdout.bytes.length + backlog.stderr.bytes.length === 0) return;
    const full = sent_at.length >= CHUNKS_PER_WINDOW - RESERVED_FOR_END;
    timer = setTimeout(flush, full ? Math.max(WINDOW_MS - (now - (sent_at[0] ?? now)), 1) : GATHER_MS);
  }

  function sendOne(stream: Stream): void {
    const { text, taken } = cut(backlog[stream]);
    if (text === '') return;
    backlog[stream] = { bytes: backlog[stream].bytes.subarray(taken), lost: 0 };
    sent_at.push(performance.now());
    send?.({ stream, text });
  }

  function end(): void {
    clearTimeout(timer);
    for (const stream of ['stdout', 'stderr'] as const) {
      keep(backlog[stream], Buffer.alloc(0), BROKEN_CHUNK_BYTES - MARK_ROOM);
      sendOne(stream);
    }
    send = undefined;
  }

  return { push, end };
}

const MARK_ROOM = 64;

const emptyBacklog = (): Backlog => ({ bytes: Buffer.alloc(0), lost: 0 });

function keep(backlog: Backlog, chunk: Buffer, room: number): void {
  const all = Buffer.concat([backlog.bytes, chunk.subarray(-room)]);
  backlog.lost += chunk.length - Math.min(chunk.length, room) + Math.max(all.length - room, 0);
  backlog.bytes = all.subarray(-room);
}

function cut(backlog: Backlog): { text: string; taken: number } {
  if (backlog.bytes.length === 0) return { text: '', taken: 0 };
  const mark = backlog.lost > 0 ? `[... ${backlog.lost} bytes not shown ...]\n` : '';
  const room = CHUNK_BYTES - (mark === '' ? 0 : MARK_ROOM);
  let piece = whole(backlog.bytes.subarray(0, room));
  if (Buffer.byteLength(piece.toString('utf8')) > room)
    piece = whole(piece.subarray(0, BROKEN_CHUNK_BYTES - MARK_ROOM));
  return { text: mark + piece.toString('utf8'), taken: piece.length };
}

/** Without a character cut at the end; when that would leave nothing, the bytes as they are. */
function whole(bytes: Buffer): Buffer {
  const trimmed = toCharacterEnd(bytes);
  return trimmed.length > 0 ? trimmed : bytes;
}
