import { createHash, type Hash } from 'node:crypto';
import { AppError } from '../contract/errors.ts';
import {
  badLine,
  CHUNK_BYTES,
  type Line,
  type LineKind,
  MAX_LINE_BYTES,
  parseLine,
} from './rules/bundle-format.ts';

/** The order in which the kinds may come. */
const RANK: Readonly<Record<LineKind, number>> = {
  header: 0,
  tag: 1,
  requires: 2,
  missing: 3,
  blob: 4,
  bytes: 4,
  absent: 4,
  artifact: 4,
  move: 5,
  trailer: 6,
};
const COUNTED = { tag: 'tags', artifact: 'artifacts', blob: 'blobs', move: 'moves' } as const;
const LINE_FEED = 0x0a;

/**
 * The lines of a bundle, each checked by itself, their order, and the trailer. Holds one line at a time.
 * Throws `bundle_invalid` at the first one that is wrong, or when the trailer does not come; `payload_too_large`.
 */
export async function* readBundle(
  source: AsyncIterable<Buffer>,
  max_bytes: number,
): AsyncGenerator<Line, undefined> {
  const hash = createHash('sha256');
  const seen: Partial<Record<LineKind, number>> = {};
  let before: Line | undefined;
  for await (const bytes of splitLines(source, max_bytes)) {
    const line = parseLine((before?.number ?? 0) + 1, bytes);
    assertPlace(line, before);
    if (line.kind === 'trailer') assertTrailer(line, seen, hash);
    hash.update(bytes).update('\n');
    seen[line.kind] = (seen[line.kind] ?? 0) + 1;
    before = line;
    yield line;
  }
  if (before?.kind !== 'trailer') throw badLine((before?.number ?? 0) + 1, 'is missing: there is no trailer');
  return undefined;
}

/** The bytes of a blob, from the lines that follow it. */
export async function* piecesOf(
  lines: AsyncIterator<Line, undefined>,
  blob: Extract<Line, { kind: 'blob' }>,
): AsyncGenerator<Buffer> {
  let number = blob.number;
  for (let left = blob.value.size_bytes; left > 0;) {
    const { value: line } = await lines.next();
    number += 1;
    if (line?.kind !== 'bytes') throw badLine(number, `must be the next of ${left} bytes of the blob`);
    const piece = decode(line, Math.min(left, CHUNK_BYTES));
    left -= piece.length;
    yield piece;
  }
}

async function* splitLines(source: AsyncIterable<Buffer>, max_bytes: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let size = 0;
  let number = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > max_bytes) throw tooLarge(max_bytes);
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      number += 1;
      assertLength(number, end);
      yield rest.subarray(0, end);
      rest = rest.subarray(end + 1);
    }
    assertLength(number + 1, rest.length);
  }
  if (rest.length > 0) throw badLine(number + 1, 'ends without a line feed');
}

function assertLength(number: number, length: number): void {
  if (length > MAX_LINE_BYTES) throw badLine(number, `is longer than ${MAX_LINE_BYTES} bytes`);
}

function assertPlace(line: Line, before: Line | undefined): void {
  const rank = before ? RANK[before.kind] : -1;
  if ((before === undefined) !== (line.kind === 'header'))
    throw badLine(line.number, 'the header must be the first line, and no other');
  if (RANK[line.kind] < rank)
    throw badLine(line.number, `a ${line.kind} cannot come after a ${before!.kind}`);
  if (before?.kind === 'trailer') throw badLine(line.number, 'comes after the trailer');
}

function assertTrailer(
  line: Extract<Line, { kind: 'trailer' }>,
  seen: Partial<Record<LineKind, number>>,
  hash: Hash,
): void {
  for (const [kind, member] of Object.entries(COUNTED)) {
    const count = seen[kind as LineKind] ?? 0;
    if (line.value[member] !== count)
      throw badLine(line.number, `must be ${count}: so many came`, `/trailer/${member}`);
  }
  if (line.value.sha256 !== hash.copy().digest('hex'))
    throw badLine(line.number, 'is not the hash of the lines before it', '/trailer/sha256');
}

function decode({ value, number }: Extract<Line, { kind: 'bytes' }>, wanted: number): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  // Node skips what is not base64; only the one way of writing these bytes is taken.
  if (bytes?.length !== wanted || bytes.toString('base64') !== value)
    throw badLine(number, `must be ${wanted} bytes in base64`, '/bytes');
  return bytes;
}

const tooLarge = (max_bytes: number) =>
  new AppError('payload_too_large', { detail: `A bundle has at most ${max_bytes} bytes.` });
