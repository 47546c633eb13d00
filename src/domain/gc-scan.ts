import { ObjectMissing } from '../contract/object-store.ts';
import type { Db } from '../persistence/db.ts';
import { listUnscanned, recordNames, scanInline, type UnscannedObject } from '../persistence/gc-needs.ts';
import type { ObjectStores } from './object-stores.ts';
import { namesInPieces } from './rules/gc-names.ts';

interface Deps {
  objects: ObjectStores;
}

const ROWS_AT_ONCE = 10_000;
const OBJECTS_AT_ONCE = 100;

/** Finds the hashes that needed blobs name, in each blob once: in the database where its bytes are there, else streamed. */
export async function scanForNames(deps: Deps, db: Db): Promise<void> {
  while (await scanInline(db, ROWS_AT_ONCE));
  let objects: UnscannedObject[];
  let after = '';
  do {
    objects = await listUnscanned(db, { after, limit: OBJECTS_AT_ONCE });
    for (const object of objects) await scanObject(deps, db, object);
    after = objects.at(-1)?.cas_id ?? after;
  } while (objects.length === OBJECTS_AT_ONCE);
}

/** An object that is damaged names nothing; one whose store is away makes the whole collection wait. */
async function scanObject({ objects }: Deps, db: Db, object: UnscannedObject): Promise<void> {
  const { store, key } = objects.at(object.storage_url);
  try {
    const names = await namesInPieces(store.read(key, { start: 0, end: object.size_bytes }));
    await recordNames(db, object.cas_id, names);
  } catch (error) {
    if (!(error instanceof ObjectMissing)) throw error;
  }
}
