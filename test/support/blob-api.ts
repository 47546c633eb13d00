import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { v7 } from 'uuid';
import {
  LIMITS,
  listeningApi,
  OTHER_PROJECT_ID,
  PROJECT_ID,
  TOKEN,
  type TestApi,
} from '../../src/api/app-fixture.ts';
import { blobRoutes } from '../../src/api/routes/blobs.ts';
import { spoolDirectory, type Spools } from '../../src/clients/objects/spool.ts';
import type { ObjectStore } from '../../src/contract/object-store.ts';
import { objectStores } from '../../src/domain/object-stores.ts';
import { type StoreServices, storeServices } from '../../src/domain/store.ts';
import { asDatabaseError, type Database, openDatabase } from '../../src/persistence/db.ts';
import { testDatabase } from './database.ts';
import { testObjects, type StoreKind, type TestObjects } from './object-stores.ts';

export interface BlobApi {
  api: TestApi;
  database: Database;
  database_url: string;
  objects: TestObjects;
  store: StoreServices;
  spool_directory: string;
  /** How many uploads are kept aside. */
  spooled(): number;
  /** The blobs that failed verification, in the order in which it was noticed. */
  corrupt: string[];
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
  /** The object a blob is in. */
  keyOf(cas_id: string): Promise<string>;
  close(): Promise<void>;
}

export interface SendOptions {
  body?: Buffer | ReadableStream;
  headers?: Record<string, string>;
}

export interface BlobApiOptions {
  /** Blobs above so many bytes are objects; all but the empty one by default. */
  inline_blob_bytes?: number;
  blob_bytes?: number;
  stall_ms?: number;
  /** Puts something between the service and the real store. */
  wrap?: (store: ObjectStore) => ObjectStore;
}

export { OTHER_PROJECT_ID, PROJECT_ID };

export const casIdOf = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The routes of blobs over a real database, a real object store and a socket. */
export async function blobApi(kind: StoreKind, options: BlobApiOptions = {}): Promise<BlobApi> {
  const { inline_blob_bytes = 0, blob_bytes = 67_108_864, stall_ms, wrap = (store) => store } = options;
  const test_database = await testDatabase();
  const database = openDatabase({ url: test_database.url, max_connections: 10 });
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [
    OTHER_PROJECT_ID,
  ]);
  const objects = await testObjects(kind, database);
  const spool_directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-spool-'));
  const corrupt: string[] = [];
  const { spools, spooled } = countedSpools(spool_directory);
  const store = storeServices({
    db: database.db,
    ids: v7,
    limits: { inline_blob_bytes, blob_bytes },
    objects: objectStores(wrap(objects.store)),
    spools,
    onCorrupt: (cas_id) => corrupt.push(cas_id),
  });
  const api = await listeningApi(blobRoutes({ ...store, stall_ms }), {
    limits: { ...LIMITS, blob_bytes },
    translateError: asDatabaseError,
  });
  return {
    api,
    database,
    database_url: test_database.url,
    objects,
    store,
    spool_directory,
    spooled,
    corrupt,
    send(method, route, { body, headers } = {}) {
      const authorized = { authorization: `Bearer ${TOKEN}`, ...headers };
      const init = { method, body, duplex: 'half', headers: authorized };
      return fetch(`${api.url}/api/v1${route}`, init as RequestInit);
    },
    async keyOf(cas_id) {
      const { rows } = await database.pool.query<{ storage_url: string }>(
        'SELECT storage_url FROM cas_blob WHERE cas_id = $1',
        [cas_id],
      );
      return rows[0]!.storage_url.slice(objects.store.prefix.length);
    },
    async close() {
      await api.close();
      await objects.remove();
      await database.close();
      await test_database.drop();
      await rm(spool_directory, { recursive: true, force: true });
    },
  };
}

function countedSpools(directory: string): { spools: Spools; spooled: () => number } {
  const real = spoolDirectory(directory);
  let open = 0;
  const spools: Spools = {
    async open() {
      const spool = await real.open();
      open += 1;
      const close = async () => {
        await spool.close();
        open -= 1;
      };
      return { ...spool, close };
    },
  };
  return { spools, spooled: () => open };
}

/** Collects a blob as garbage collection does: its bytes go, its name stays. */
export async function collect({ database }: Pick<BlobApi, 'database'>, cas_id: string): Promise<void> {
  await database.pool.query(
    `WITH place AS (SELECT storage_url FROM cas_blob WHERE cas_id = $1 AND storage_url IS NOT NULL),
       noted AS (INSERT INTO object_garbage (storage_url) SELECT storage_url FROM place)
     UPDATE cas_blob SET content = NULL, storage_url = NULL, slice_hashes = NULL, collected_at = now() WHERE cas_id = $1`,
    [cas_id],
  );
}
