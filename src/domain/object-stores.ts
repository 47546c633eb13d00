import { AppError } from '../contract/errors.ts';
import type { ObjectStore } from '../contract/object-store.ts';

/** Every object store there is: one takes new objects, all of them are read. */
export interface ObjectStores {
  primary: ObjectStore;
  /** The store and key of an object. Throws `object_store_unavailable` when its store is not configured here. */
  at(storage_url: string): { store: ObjectStore; key: string };
  all: readonly ObjectStore[];
}

/** A changed configuration keeps old blobs readable while their store is among the `others`. */
export function objectStores(primary: ObjectStore, others: readonly ObjectStore[] = []): ObjectStores {
  const all = [primary, ...others];
  return {
    primary,
    all,
    at(storage_url) {
      const store = all.find(({ prefix }) => storage_url.startsWith(prefix));
      if (store) return { store, key: storage_url.slice(store.prefix.length) };
      const cause = new Error(`no object store is configured for ${storage_url}`);
      throw new AppError('object_store_unavailable', { cause });
    },
  };
}
