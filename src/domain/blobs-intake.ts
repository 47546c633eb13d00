import { createHash, type Hash } from 'node:crypto';
import type { Spools } from '../clients/objects/spool.ts';
import { AppError } from '../contract/errors.ts';
import { inReusedSlices, sliceHash } from './rules/slices.ts';

/** A blob too large for a row, ready to be stored. */
export interface LargeBlob {
  cas_id: string;
  size_bytes: number;
  slice_hashes: Buffer;
  /** The bytes from the start, as often as wanted; a slice is only good until the next one is asked for. */
  slices(): AsyncIterable<Buffer>;
}

/** An upload that has come whole: in memory, or aside on disk until it is closed. */
export type Intake = { cas_id: string; close(): Promise<void> } & (
  { bytes: Buffer; large?: undefined } | { bytes?: undefined; large: LargeBlob }
);

export interface IntakeOptions {
  /** Up to here it is not large, and stays in memory. */
  inline_bytes: number;
  max_bytes: number;
  /** What `Content-Length` announced, in bytes. */
  announced_bytes?: number;
  spools: Spools;
}

/**
 * Reads an upload to its end, hashed on the way, in memory that does not depend on its size. Takes neither a connection
 * nor the object store meanwhile: a caller may be slow. Throws `payload_too_large` as soon as it is longer than allowed.
 */
export async function takeIn(source: AsyncIterable<Buffer>, options: IntakeOptions): Promise<Intake> {
  const { max_bytes, inline_bytes, announced_bytes = 0, spools } = options;
  if (announced_bytes > max_bytes) throw tooLarge(max_bytes);
  const hash = createHash('sha256');
  const pieces = hashed(source, hash, max_bytes);
  try {
    const { start, ended } = await readStart(pieces, inline_bytes);
    if (ended) return { cas_id: nameOf(hash), bytes: Buffer.concat(start), close: () => Promise.resolve() };
    const { close, ...spooled } = await spool(joined(start, pieces), spools);
    const cas_id = nameOf(hash);
    return { cas_id, large: { cas_id, ...spooled }, close };
  } finally {
    await pieces.return(undefined);
  }
}

/** A large blob whose slices are in memory already. */
export function largeBlob(cas_id: string, slices: readonly Buffer[]): LargeBlob {
  return {
    cas_id,
    size_bytes: slices.reduce((sum, slice) => sum + slice.length, 0),
    slice_hashes: Buffer.concat(slices.map(sliceHash)),
    slices: () => joined(slices),
  };
}

async function* hashed(source: AsyncIterable<Buffer>, hash: Hash, max_bytes: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > max_bytes) throw tooLarge(max_bytes);
    hash.update(piece);
    yield piece;
  }
}

const nameOf = (hash: Hash): string => `sha256:${hash.digest('hex')}`;

const tooLarge = (max_bytes: number) =>
  new AppError('payload_too_large', { detail: `A blob has at most ${max_bytes} bytes.` });

/** Everything, or the pieces up to the one that makes it more than `max_bytes`. */
async function readStart(pieces: AsyncGenerator<Buffer>, max_bytes: number) {
  const start: Buffer[] = [];
  for (let size = 0; size <= max_bytes;) {
    const next = await pieces.next();
    if (next.done) return { start, ended: true };
    start.push(next.value);
    size += next.value.length;
  }
  return { start, ended: false };
}

async function* joined(
  start: readonly Buffer[],
  rest: AsyncIterable<Buffer> | readonly Buffer[] = [],
): AsyncGenerator<Buffer> {
  yield* start;
  yield* rest;
}

/** Keeps the pieces aside on disk, hashed slice by slice. */
async function spool(pieces: AsyncIterable<Buffer>, spools: Spools) {
  const aside = await spools.open();
  const hashes: Buffer[] = [];
  let size_bytes = 0;
  try {
    for await (const slice of inReusedSlices(pieces)) {
      hashes.push(sliceHash(slice));
      size_bytes += slice.length;
      await aside.write(slice);
    }
  } catch (error) {
    await aside.close();
    throw error;
  }
  return {
    size_bytes,
    slice_hashes: Buffer.concat(hashes),
    slices: () => aside.slices(),
    close: () => aside.close(),
  };
}
