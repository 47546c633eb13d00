import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import S3rver from 's3rver';
import { directoryObjects } from '../../src/clients/objects/directory.ts';
import { s3Objects } from '../../src/clients/objects/s3.ts';
import type { ObjectStore } from '../../src/contract/object-store.ts';
import type { Database } from '../../src/persistence/db.ts';
import { postgresObjects } from '../../src/persistence/objects.ts';

export const STORE_KINDS = ['postgres', 'directory', 's3'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** A real object store, and a way to what it keeps behind its back. */
export interface TestObjects {
  store: ObjectStore;
  /** Turns one bit of what is stored under the key. */
  corrupt(key: string, at_byte: number): Promise<void>;
  /** The UUIDs in the keys of everything the store still has anything of, whole or not. */
  traces(): Promise<string[]>;
  /** Where the store `directory` has its files. */
  directory?: string;
  /** The server of the store `s3`. */
  s3?: S3Server;
  remove(): Promise<void>;
}

export async function testObjects(kind: StoreKind, database: Database): Promise<TestObjects> {
  if (kind === 'postgres') return inDatabase(database);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-objects-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  const corrupt = async (key: string, at_byte: number) => flipBit(await fileOf(directory, key), at_byte);
  const traces = async () => [
    ...new Set((await filesIn(directory)).flatMap(({ name }) => UUID.exec(name)?.[0] ?? [])),
  ];
  const common = { corrupt, traces, remove };
  if (kind === 'directory') return { store: directoryObjects(directory), directory, ...common };
  const s3 = await startS3(directory);
  const stop = async () => {
    await s3.stop();
    await remove();
  };
  return { store: s3Objects(s3.options), s3, ...common, remove: stop };
}

export interface S3Server {
  options: Parameters<typeof s3Objects>[0];
  stop(): Promise<void>;
}

const BUCKET = 'blobs';

/** A server that speaks the S3 protocol, keeping its objects in a directory. */
export async function startS3(directory: string): Promise<S3Server> {
  const address = '127.0.0.1';
  const server = new S3rver({
    address,
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: BUCKET, configs: [] }],
  });
  const { port } = await server.run();
  let stopped: Promise<void> | undefined;
  return {
    options: {
      bucket: BUCKET,
      region: 'us-east-1',
      endpoint: `http://${address}:${port}`,
      force_path_style: true,
      // The one account that server has.
      credentials: { access_key_id: 'S3RVER', secret_access_key: 'S3RVER' },
    },
    stop: () => (stopped ??= server.close()),
  };
}

function inDatabase({ db, pool }: Database): TestObjects {
  return {
    store: postgresObjects(db),
    async corrupt(key, at_byte) {
      const { rowCount } = await pool.query(
        `UPDATE object_chunk SET bytes = set_byte(bytes, $2 % 262144, get_byte(bytes, $2 % 262144) # 1)
         WHERE object_key = $1 AND seq = $2 / 262144`,
        [key, at_byte],
      );
      if (rowCount !== 1) throw new Error(`there is no byte ${at_byte} of ${key}`);
    },
    async traces() {
      const { rows } = await pool.query<{ key: string }>(
        'SELECT DISTINCT object_key AS key FROM object_chunk',
      );
      return rows.map(({ key }) => key.split('/')[1]!);
    },
    remove: () => Promise.resolve(),
  };
}

async function flipBit(file: string, at_byte: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at_byte]! ^= 1;
  await writeFile(file, bytes);
}

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

async function filesIn(directory: string) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  // What an S3 server notes beside an object is no part of it.
  return entries.filter((entry) => entry.isFile() && !/metadata|md5/.test(entry.name));
}

async function fileOf(directory: string, key: string): Promise<string> {
  const file = (await filesIn(directory)).find(({ name }) => name.includes(key.split('/')[1]!));
  if (!file) throw new Error(`no file holds ${key}`);
  return path.join(file.parentPath, file.name);
}
