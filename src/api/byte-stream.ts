import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { STREAMED } from './route.ts';

export interface ByteStream {
  status: number;
  headers: Record<string, string>;
  /** Of all pieces together; undefined where only the end tells. */
  length_bytes?: number;
  pieces: AsyncGenerator<Buffer>;
}

/**
 * Sends pieces as fast as the reader takes them. The status is sent with the first piece, so that what fails before it is an
 * answer of its own; what fails later cuts the connection, and the reader sees a body that is too short. A reader that
 * leaves, or takes nothing for `stall_ms`, ends it.
 */
export async function sendBytes(
  res: Response,
  { status, headers, length_bytes, pieces }: ByteStream,
  stall_ms: number,
): Promise<typeof STREAMED> {
  const first = await pieces.next();
  const piece = first.done ? Buffer.alloc(0) : first.value;
  res.writeHead(status, {
    ...headers,
    ...(length_bytes !== undefined && { 'Content-Length': length_bytes }),
  });
  res.setTimeout(stall_ms, () => res.destroy());
  try {
    await pipeline(prepended(piece, pieces), res);
  } catch (error) {
    if (!LEFT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    // A reader that left before the first piece has not ended them.
    await pieces.return(undefined);
  }
  return STREAMED;
}

/** How a stream says that the reader is gone. */
const LEFT = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_UNABLE_TO_PIPE']);

async function* prepended(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}
