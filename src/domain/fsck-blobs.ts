import { createHash } from 'node:crypto';
import type { BlobsChecked } from '../contract/maintenance.ts';
import { ObjectMissing } from '../contract/object-store.ts';
import { isObjectOf } from '../persistence/blobs-objects.ts';
import { type CheckedBlob, type Finding, readBlobs } from '../persistence/fsck.ts';
import { CORRUPT_BLOB, type FsckDeps, type Note } from './fsck-note.ts';
import { inSlices, isSlice } from './rules/slices.ts';
import type { Resumed, Watch } from './watch.ts';

const BLOBS_AT_ONCE = 200;
/** A store over a network answers several at once as fast as one. */
const READ_AT_ONCE = 8;

/** Blobs in order of their names, so that a check that was cut off goes on where it was. */
export async function checkBlobs(
  deps: FsckDeps,
  note: Note,
  { from, report, signal }: Watch<Resumed<BlobsChecked>>,
): Promise<BlobsChecked> {
  let { after, blobs, bytes } = from ?? { after: '', blobs: 0, bytes: 0 };
  let rows: CheckedBlob[];
  do {
    signal?.throwIfAborted();
    rows = await readBlobs(deps.db, { after, limit: BLOBS_AT_ONCE });
    for (let i = 0; i < rows.length; i += READ_AT_ONCE) {
      const group = rows.slice(i, i + READ_AT_ONCE);
      await note((await Promise.all(group.map((row) => findingsOf(deps, row)))).flat());
    }
    bytes += rows.reduce((sum, row) => sum + row.size_bytes, 0);
    blobs += rows.length;
    after = rows.at(-1)?.cas_id ?? after;
    report?.({ after, blobs, bytes });
  } while (rows.length === BLOBS_AT_ONCE);
  return { blobs, bytes };
}

async function findingsOf(deps: FsckDeps, blob: CheckedBlob): Promise<Finding[]> {
  const detail = await problemOf(deps, blob);
  return detail === undefined ? [] : [{ kind: CORRUPT_BLOB, about: blob.cas_id, detail }];
}

async function problemOf(deps: FsckDeps, blob: CheckedBlob): Promise<string | undefined> {
  if (blob.storage_url === null) return blob.intact ? undefined : 'its bytes have another hash';
  const place = { cas_id: blob.cas_id, storage_url: blob.storage_url };
  const wrong = await problemOfObject(deps, { ...blob, ...place });
  // It may have been collected, or have got another place, while it was read.
  return wrong !== undefined && (await isObjectOf(deps.db, place)) ? wrong : undefined;
}

async function problemOfObject(
  { objects }: FsckDeps,
  blob: CheckedBlob & { storage_url: string },
): Promise<string | undefined> {
  const { cas_id, size_bytes, storage_url, slice_hashes } = blob;
  const { store, key } = objects.at(storage_url);
  const whole = createHash('sha256');
  let wrong_slice: number | undefined;
  let index = 0;
  try {
    for await (const slice of inSlices(store.read(key, { start: 0, end: size_bytes }))) {
      whole.update(slice);
      // Readers of a part rely on these alone.
      if (!isSlice(slice_hashes ?? Buffer.alloc(0), index, slice)) wrong_slice ??= index;
      index += 1;
    }
  } catch (error) {
    if (error instanceof ObjectMissing) return `its object ${storage_url} is not all there`;
    throw error;
  }
  if (`sha256:${whole.digest('hex')}` !== cas_id) return `its object ${storage_url} has another hash`;
  return wrong_slice === undefined ? undefined : `the hash kept of its slice ${wrong_slice} is wrong`;
}
