import type { Spools } from '../clients/objects/spool.ts';
import { AppError } from '../contract/errors.ts';
import type { ByteRange } from '../contract/object-store.ts';
import { type BlobContent, type BlobInfo, findBlob, headBlob, putBlob } from '../persistence/blobs.ts';
import { sweepGarbage, type SweptGarbage } from './blobs-garbage.ts';
import { largeBlob, type LargeBlob, takeIn } from './blobs-intake.ts';
import { keepLarge } from './blobs-keep.ts';
import { readPieces, readWhole, type ReadDeps } from './blobs-read.ts';
import { contentHash } from './rules/content-hash.ts';
import { slicesOf } from './rules/slices.ts';
import { isHash } from './rules/tag-name.ts';

export interface BlobPut extends BlobInfo {
  /** True when the project could not read this blob before. Says nothing about other projects. */
  created: boolean;
}

export interface Upload {
  /** Kept as it was when the project stored this blob first. */
  media_type: string;
  /** The hash the caller says the bytes have. */
  expected?: string;
  /** What `Content-Length` announced, in bytes. */
  announced_bytes?: number;
}

/** A blob that is there, not read yet. */
export interface OpenBlob extends BlobInfo {
  /**
   * Its bytes, or a range of them, each piece verified before it is given out. Ends with `blob_corrupt` rather than give
   * a wrong byte. Stopping early frees everything.
   */
  read(range?: ByteRange): AsyncGenerator<Buffer>;
}

export interface BlobService {
  /** Stores bytes and lets the project read them. Throws `hash_mismatch` when they are not what `expected` says. */
  put(project_id: string, bytes: Buffer, upload: Upload): Promise<BlobPut>;
  /**
   * The same for a stream, hashed on the way, in memory that does not depend on its size. Throws `payload_too_large` as
   * soon as it is longer than allowed.
   */
  receive(project_id: string, source: AsyncIterable<Buffer>, upload: Upload): Promise<BlobPut>;
  /** The verified bytes, all in memory. Throws `not_found` without a grant, `blob_collected`, `blob_corrupt`. */
  get(project_id: string, cas_id: string): Promise<BlobContent>;
  /** The same for bytes that are too many for that. Throws `not_found`, `blob_collected`. */
  open(project_id: string, cas_id: string): Promise<OpenBlob>;
  /** Throws `not_found`, `blob_collected`. */
  head(project_id: string, cas_id: string): Promise<BlobInfo>;
  /** Deletes objects that no blob names, noted so that long ago. */
  sweepGarbage(older_than_seconds: number): Promise<SweptGarbage>;
}

export interface BlobDeps extends ReadDeps {
  spools: Spools;
  max_bytes: number;
  /** Blobs up to this size are in their rows, larger ones are objects. */
  inline_bytes: number;
}

export function blobService(deps: BlobDeps): BlobService {
  const { db, inline_bytes } = deps;
  const putSmall = async (project_id: string, blob: BlobContent): Promise<BlobPut> => {
    const granted = await putBlob(db, project_id, blob);
    return { cas_id: blob.cas_id, size_bytes: blob.bytes.length, ...granted };
  };
  const putLarge = async (project_id: string, blob: LargeBlob, media_type: string): Promise<BlobPut> => {
    const granted = await keepLarge(deps, project_id, { ...blob, media_type });
    return { cas_id: blob.cas_id, size_bytes: blob.size_bytes, ...granted };
  };
  return {
    async put(project_id, bytes, { media_type, expected }) {
      const cas_id = contentHash(bytes);
      assertExpected(cas_id, expected);
      if (bytes.length <= inline_bytes) return putSmall(project_id, { cas_id, media_type, bytes });
      return putLarge(project_id, largeBlob(cas_id, slicesOf(bytes)), media_type);
    },
    async receive(project_id, source, { media_type, expected, announced_bytes }) {
      const intake = await takeIn(source, { ...deps, announced_bytes });
      try {
        const { cas_id, bytes, large } = intake;
        assertExpected(cas_id, expected);
        if (large) return await putLarge(project_id, large, media_type);
        return await putSmall(project_id, { cas_id, media_type, bytes });
      } finally {
        await intake.close();
      }
    },
    async get(project_id, cas_id) {
      const row = there(isHash(cas_id) && (await findBlob(db, project_id, cas_id)));
      return { cas_id, media_type: row.media_type, bytes: await readWhole(deps, row) };
    },
    async open(project_id, cas_id) {
      const row = there(isHash(cas_id) && (await findBlob(db, project_id, cas_id)));
      const { media_type, size_bytes } = row;
      const whole = { start: 0, end: size_bytes };
      return { cas_id, media_type, size_bytes, read: (range = whole) => readPieces(deps, row, range) };
    },
    head: async (project_id, cas_id) => there(isHash(cas_id) && (await headBlob(db, project_id, cas_id))),
    sweepGarbage: (older_than_seconds) => sweepGarbage(deps, older_than_seconds),
  };
}

function there<T extends { collected: boolean }>(blob: T | false | undefined): T {
  if (!blob) throw new AppError('not_found');
  if (blob.collected) throw new AppError('blob_collected');
  return blob;
}

/** Only who has the bytes gets a grant, so that nobody can read a blob by knowing its hash. */
function assertExpected(cas_id: string, expected: string | undefined): void {
  if (expected !== undefined && expected !== cas_id) throw new AppError('hash_mismatch');
}
