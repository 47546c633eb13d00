import { AppError } from '../contract/errors.ts';
import { type ByteRange, ObjectMissing, SLICE_BYTES } from '../contract/object-store.ts';
import { type BlobContent, type BlobRow, readContent } from '../persistence/blobs.ts';
import { isObjectOf, type ObjectBlob } from '../persistence/blobs-objects.ts';
import type { Db } from '../persistence/db.ts';
import type { ObjectStores } from './object-stores.ts';
import { contentHash } from './rules/content-hash.ts';
import { inSlices, isSlice, touchedSlices } from './rules/slices.ts';

export interface ReadDeps {
  db: Db;
  objects: ObjectStores;
  /** Told of every blob whose bytes are not what its name says. */
  onCorrupt?: (cas_id: string) => void;
}

/** An object that should be the bytes of a blob. */
export type ObjectPlace = Pick<ObjectBlob, 'cas_id' | 'size_bytes' | 'storage_url'>;

/**
 * A range of a blob in pieces, each verified before it is given out. Throws `blob_corrupt` where it comes to bytes that are
 * wrong or missing, `blob_collected` when they were taken away meanwhile.
 */
export async function* readPieces(deps: ReadDeps, row: BlobRow, range: ByteRange): AsyncGenerator<Buffer> {
  if (isObject(row)) yield* readSlices(deps, row, range);
  else yield (await readWhole(deps, row)).subarray(range.start, range.end);
}

/** All bytes of a blob, verified against its name. Throws as `readPieces`. */
export async function readWhole(deps: ReadDeps, row: BlobRow): Promise<Buffer> {
  const { cas_id, media_type } = row;
  const bytes = isObject(row) ? await readObject(deps, row) : await readContent(deps.db, row);
  if (!bytes) throw new AppError('blob_collected');
  return verified({ cas_id, media_type, bytes }, deps.onCorrupt).bytes;
}

/** All bytes of an object, not verified. Throws `blob_corrupt` when they are not all there. */
export async function readObject(deps: ReadDeps, place: ObjectPlace): Promise<Buffer> {
  const { store, key } = deps.objects.at(place.storage_url);
  const bytes = Buffer.allocUnsafe(place.size_bytes);
  let at = 0;
  try {
    for await (const piece of store.read(key, { start: 0, end: place.size_bytes }))
      at += piece.copy(bytes, at);
  } catch (error) {
    throw error instanceof ObjectMissing ? await lost(deps, place) : error;
  }
  if (at !== place.size_bytes) throw await lost(deps, place);
  return bytes;
}

/** Throws `blob_corrupt` unless the bytes hash to their name. */
export function verified(blob: BlobContent, onCorrupt?: (cas_id: string) => void): BlobContent {
  if (contentHash(blob.bytes) === blob.cas_id) return blob;
  throw corrupt(blob.cas_id, onCorrupt);
}

const isObject = (row: BlobRow): row is BlobRow & ObjectBlob => row.storage_url !== null;

async function* readSlices(deps: ReadDeps, blob: ObjectBlob, range: ByteRange): AsyncGenerator<Buffer> {
  const { store, key } = deps.objects.at(blob.storage_url);
  const { start, end } = touchedSlices(range, blob.size_bytes);
  let at = start;
  try {
    for await (const slice of inSlices(store.read(key, { start, end }))) {
      if (!isSlice(blob.slice_hashes, at / SLICE_BYTES, slice)) throw await lost(deps, blob);
      yield slice.subarray(Math.max(0, range.start - at), range.end - at);
      at += slice.length;
    }
  } catch (error) {
    throw error instanceof ObjectMissing ? await lost(deps, blob) : error;
  }
  if (at !== end) throw await lost(deps, blob);
}

/** What to say of an object that is not what it should be: the blob may have left it since its row was read. */
async function lost(deps: ReadDeps, place: ObjectPlace): Promise<AppError> {
  if (await isObjectOf(deps.db, place)) return corrupt(place.cas_id, deps.onCorrupt);
  return new AppError('blob_collected');
}

function corrupt(cas_id: string, onCorrupt?: (cas_id: string) => void): AppError {
  onCorrupt?.(cas_id);
  return new AppError('blob_corrupt', { cause: new Error(`blob ${cas_id} does not hash to its name`) });
}
