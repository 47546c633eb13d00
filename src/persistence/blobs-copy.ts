import { copyOut } from './copy.ts';
import type { Db } from './db.ts';

const CAS_ID = /^sha256:[0-9a-f]{64}$/;
/** Bytes in one row: small enough that neither side ever holds a blob twice. */
const PIECE_BYTES = 262_144;

/**
 * Reads the bytes that a blob's row holds, piece by piece into one buffer of `size_bytes`; undefined when the row holds
 * none any more. The caller has checked the grant and verifies the hash.
 */
export async function copyBlob(
  db: Db,
  { cas_id, size_bytes }: { cas_id: string; size_bytes: number },
): Promise<Buffer | undefined> {
  // COPY takes no parameters, so nothing but a hash may get into its text.
  if (!CAS_ID.test(cas_id)) throw new TypeError('not a cas_id');
  let target: Buffer | undefined;
  const text = `COPY (SELECT i, substring(b.content FROM i FOR ${PIECE_BYTES}) FROM cas_blob b,
    generate_series(1, octet_length(b.content), ${PIECE_BYTES}) AS i WHERE b.cas_id = '${cas_id}') TO STDOUT (FORMAT binary)`;
  await copyOut(db, text, ([position, piece]) => {
    target ??= Buffer.alloc(size_bytes);
    piece!.copy(target, position!.readInt32BE() - 1);
  });
  return target;
}
