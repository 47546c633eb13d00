import type { Db } from '../persistence/db.ts';
import { claimGarbage, doomObject, forgetGarbage } from '../persistence/object-garbage.ts';
import type { ObjectStores } from './object-stores.ts';

interface Deps {
  db: Db;
  objects: ObjectStores;
}

export interface SweptGarbage {
  deleted: number;
  /** Storage URLs of objects whose store is away or not configured; the next sweep tries again. */
  failed: string[];
}

const BATCH = 100;

/** Deletes an object that no blob names. */
export async function discardObject({ db, objects }: Deps, storage_url: string): Promise<void> {
  await doomObject(db, storage_url);
  await deleteDoomed({ db, objects }, storage_url);
}

/**
 * Deletes the objects that were noted as garbage that long ago: of uploads that died, and of collected blobs. An upload
 * under way that is older is not harmed: it finds its object doomed and stores it again. Yet choose an age that no
 * upload's way into the store reaches, because one that dies just after would leave an object nothing knows of.
 */
export async function sweepGarbage(deps: Deps, older_than_seconds: number): Promise<SweptGarbage> {
  const swept: SweptGarbage = { deleted: 0, failed: [] };
  let urls: string[];
  let after = '';
  do {
    urls = await claimGarbage(deps.db, { older_than_seconds, after, limit: BATCH });
    for (const storage_url of urls) {
      await deleteDoomed(deps, storage_url).then(
        () => (swept.deleted += 1),
        () => swept.failed.push(storage_url),
      );
    }
    after = urls.at(-1) ?? '';
  } while (urls.length === BATCH);
  return swept;
}

/** The object first: a crash in between leaves the note, and deleting again is harmless. */
async function deleteDoomed({ db, objects }: Deps, storage_url: string): Promise<void> {
  const { store, key } = objects.at(storage_url);
  await store.delete(key);
  await forgetGarbage(db, storage_url);
}
