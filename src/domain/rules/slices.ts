import { createHash } from 'node:crypto';
import { type ByteRange, SLICE_BYTES } from '../../contract/object-store.ts';

const HASH_BYTES = 32;

/** The same bytes in slices: all but the last have exactly `SLICE_BYTES`. Copies only what does not come in one piece. */
export async function* inSlices(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (let piece of pieces) {
    while (held + piece.length >= SLICE_BYTES) {
      const taken = SLICE_BYTES - held;
      yield joined([...parts, piece.subarray(0, taken)]);
      piece = piece.subarray(taken);
      parts = [];
      held = 0;
    }
    if (piece.length > 0) parts.push(piece);
    held += piece.length;
  }
  if (held > 0) yield joined(parts);
}

const joined = (parts: Buffer[]): Buffer => (parts.length === 1 ? parts[0]! : Buffer.concat(parts));

/** The same in one memory: each slice is only good until the next one is asked for. Leaves no garbage behind. */
export async function* inReusedSlices(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const slice = Buffer.allocUnsafeSlow(SLICE_BYTES);
  let held = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const copied = piece.copy(slice, held, at);
      at += copied;
      held += copied;
      if (held < SLICE_BYTES) continue;
      yield slice;
      held = 0;
    }
  }
  if (held > 0) yield slice.subarray(0, held);
}

/** The slices of bytes that are in memory, not copied. */
export function slicesOf(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / SLICE_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * SLICE_BYTES, (i + 1) * SLICE_BYTES));
}

export const sliceHash = (slice: Buffer): Buffer => createHash('sha256').update(slice).digest();

/** Whether these bytes are slice `index` of the blob that has these hashes. */
export function isSlice(slice_hashes: Buffer, index: number, slice: Buffer): boolean {
  const hash = slice_hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  return hash.equals(sliceHash(slice));
}

/** The whole slices that a range touches, in bytes. */
export function touchedSlices({ start, end }: ByteRange, size_bytes: number): ByteRange {
  const last = Math.ceil(end / SLICE_BYTES) * SLICE_BYTES;
  return { start: start - (start % SLICE_BYTES), end: Math.min(size_bytes, last) };
}
