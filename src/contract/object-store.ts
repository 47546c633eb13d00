/** Bytes from `start` on and before `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Large blobs are hashed, stored and verified in pieces of so many bytes. Stored rows depend on it. */
export const SLICE_BYTES = 262_144;

/** `<hex of the blob's hash>/<UUID>`: a key names one attempt to store an object and is never used again. */
export const OBJECT_KEY = /^[0-9a-f]{64}\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Where the bytes of large blobs are. Objects never change; nothing here verifies them, who reads them does. Trouble of
 * the store itself is `object_store_unavailable`, except that the database's own is the driver's error.
 */
export interface ObjectStore {
  /** What its storage URLs begin with, `pg:` for one; the key follows. */
  prefix: string;
  /**
   * Stores `size_bytes` bytes (at least one) that come in slices of `SLICE_BYTES`, only the last one shorter, each only
   * good until the next one is asked for. Durable when it resolves. Rejects with the error of `slices` when that fails;
   * something may be left then, for `delete`.
   */
  put(key: string, size_bytes: number, slices: AsyncIterable<Buffer>): Promise<void>;
  /** A range of an object in pieces of any size. Throws `ObjectMissing` when not all of it is there. */
  read(key: string, range: ByteRange): AsyncIterable<Buffer>;
  /** Removes whatever a `put` under this key left, ended or not. That there is nothing is no error. */
  delete(key: string): Promise<void>;
  /** The keys of all objects, in no order. */
  list(): AsyncIterable<string>;
}

/** The store answers, and has not got all of the object. */
export class ObjectMissing extends Error {
  override readonly name = 'ObjectMissing';

  constructor(key: string, cause?: unknown) {
    super(`The object ${key} is not all there.`, { cause });
  }
}
