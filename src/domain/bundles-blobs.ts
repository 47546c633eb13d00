import { AppError } from '../contract/errors.ts';
import type { BlobService, OpenBlob } from './blobs.ts';
import { CHUNK_BYTES, writeLine } from './rules/bundle-format.ts';

export type BlobSource = Pick<BlobService, 'open'>;

export interface BlobWriter {
  /** Blobs that the reader has. */
  assume(cas_ids: readonly string[]): void;
  /** The lines of a blob that an artifact is made of; none when it was written before. */
  content(cas_id: string): AsyncGenerator<string>;
  /** The same of a file that a definition names, which need not be there. */
  file(cas_id: string): AsyncGenerator<string>;
  written(): number;
}

/** Writes blobs as lines, each once, in memory that does not depend on their size. */
export function blobWriter(blobs: BlobSource, project_id: string): BlobWriter {
  const seen = new Set<string>();
  let written = 0;
  const isNew = (cas_id: string) => !seen.has(cas_id) && seen.add(cas_id) === seen;
  async function* lines(blob: OpenBlob): AsyncGenerator<string> {
    const { cas_id, media_type, size_bytes } = blob;
    written += 1;
    yield writeLine('blob', { cas_id, media_type, size_bytes });
    for await (const piece of regrouped(blob.read())) yield bytesLine(piece);
  }
  return {
    assume: (cas_ids) => cas_ids.forEach((cas_id) => seen.add(cas_id)),
    async *content(cas_id) {
      if (isNew(cas_id)) yield* lines(await blobs.open(project_id, cas_id));
    },
    async *file(cas_id) {
      if (!isNew(cas_id)) return;
      const blob = await blobs.open(project_id, cas_id).catch(noneIfAbsent);
      if (blob) yield* lines(blob);
      else yield writeLine('absent', cas_id);
    },
    written: () => written,
  };
}

/** `writeLine('bytes', …)` without looking for what base64 cannot hold. */
const bytesLine = (bytes: Buffer): string => `{"bytes":"${bytes.toString('base64')}"}\n`;

/** The same bytes in pieces of `CHUNK_BYTES`, only the last one shorter. */
async function* regrouped(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let at = 0;
    for (; bytes.length - at >= CHUNK_BYTES; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
    // A copy: what is read next may be put where this was.
    rest = Buffer.from(bytes.subarray(at));
  }
  if (rest.length > 0) yield rest;
}

function noneIfAbsent(error: unknown): undefined {
  if (!(error instanceof AppError) || (error.family !== 'not_found' && error.family !== 'gone')) throw error;
}
