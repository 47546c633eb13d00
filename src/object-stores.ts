import { directoryObjects } from './clients/objects/directory.ts';
import { s3Objects } from './clients/objects/s3.ts';
import type { Config } from './config.ts';
import { objectStores, type ObjectStores } from './domain/object-stores.ts';
import type { Db } from './persistence/db.ts';
import { postgresObjects } from './persistence/objects.ts';

/** Every object store the settings name; `store.object_store` says which one takes new objects. */
export function createObjectStores({ store }: Pick<Config, 'store'>, db: Db): ObjectStores {
  const stores = {
    postgres: postgresObjects(db),
    directory: directoryObjects(store.object_directory),
    s3: store.s3_bucket === undefined ? undefined : s3Objects(s3Options(store, store.s3_bucket)),
  };
  const primary = stores[store.object_store];
  if (!primary) throw new Error(`The object store ${store.object_store} is not configured.`);
  const others = Object.values(stores).filter((other) => other !== primary);
  return objectStores(
    primary,
    others.filter((other) => other !== undefined),
  );
}

function s3Options(store: Config['store'], bucket: string) {
  const { s3_access_key_id: access_key_id, s3_secret_access_key: secret } = store;
  return {
    bucket,
    region: store.s3_region,
    endpoint: store.s3_endpoint,
    force_path_style: store.s3_force_path_style,
    credentials: access_key_id && secret ? { access_key_id, secret_access_key: secret.reveal() } : undefined,
  };
}
