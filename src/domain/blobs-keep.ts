import { randomUUID } from 'node:crypto';
import { AppError } from '../contract/errors.ts';
import type { Granted } from '../persistence/blobs.ts';
import { adoptBlob, attachObject } from '../persistence/blobs-objects.ts';
import type { Db } from '../persistence/db.ts';
import { discardObject } from './blobs-garbage.ts';
import type { LargeBlob } from './blobs-intake.ts';
import type { ObjectStores } from './object-stores.ts';

interface Deps {
  db: Db;
  objects: ObjectStores;
}

/** More than one is only needed when a collection or a sweep comes in between. */
const MAX_ATTEMPTS = 3;

/**
 * Stores a large blob as an object unless it is there, and lets the project read it. Of any number of callers with the
 * same bytes one object stays. A crash leaves at most an object that is noted as garbage.
 */
export async function keepLarge(
  deps: Deps,
  project_id: string,
  large: LargeBlob & { media_type: string },
): Promise<Granted> {
  const { db, objects } = deps;
  const store = objects.primary;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const key = `${large.cas_id.slice('sha256:'.length)}/${randomUUID()}`;
    const blob = { ...large, storage_url: store.prefix + key };
    const adopted = await adoptBlob(db, project_id, blob);
    if (adopted) return adopted;
    await store.put(key, large.size_bytes, large.slices());
    const attached = await attachObject(db, project_id, blob);
    if (attached) return attached;
    // Somebody else was faster. What cannot be removed now stays noted as garbage.
    await discardObject(deps, blob.storage_url).catch(() => undefined);
  }
  throw new AppError('overloaded', { cause: new Error(`blob ${large.cas_id} could not be given a place`) });
}
