import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { v7 } from 'uuid';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { directoryObjects } from '../clients/objects/directory.ts';
import { type Database, openDatabase } from '../persistence/db.ts';
import { postgresObjects } from '../persistence/objects.ts';
import { objectStores, type ObjectStores } from './object-stores.ts';
import { storeServices } from './store.ts';

const project_id = '00000000-0000-7000-8000-000000000001';
let test_database: TestDatabase;
let database: Database;
let directory: string;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 4 });
  directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-objects-'));
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
  await rm(directory, { recursive: true, force: true });
});

const blobsIn = (objects: ObjectStores) =>
  storeServices({ db: database.db, ids: v7, limits: { inline_blob_bytes: 0 }, objects }).blobs;

it('reads a blob from the store that has it, whichever takes new ones now', async () => {
  const [files, rows] = [directoryObjects(directory), postgresObjects(database.db)];
  const [before, after] = [blobsIn(objectStores(files)), blobsIn(objectStores(rows, [files]))];
  const [old, young] = [randomBytes(1_000), randomBytes(1_000)];
  const media_type = 'text/plain';
  const { cas_id } = await before.put(project_id, old, { media_type });
  expect((await after.get(project_id, cas_id)).bytes.equals(old)).toBe(true);
  expect((await after.put(project_id, old, { media_type })).created).toBe(false);
  const put = await after.put(project_id, young, { media_type });
  await expect(before.get(project_id, put.cas_id)).rejects.toMatchObject({
    code: 'object_store_unavailable',
  });
  expect((await after.get(project_id, put.cas_id)).bytes.equals(young)).toBe(true);
});

it('takes a directory that is not there for a store that is away, not for one that lost its objects', async () => {
  const place = path.join(directory, 'mounted');
  const blobs = blobsIn(objectStores(directoryObjects(place)));
  const { cas_id } = await blobs.put(project_id, randomBytes(1_000), { media_type: 'text/plain' });
  await rm(place, { recursive: true });
  await expect(blobs.get(project_id, cas_id)).rejects.toMatchObject({ code: 'object_store_unavailable' });
});

it('tells stores apart by all of their names', () => {
  const store = (prefix: string) => ({ ...postgresObjects(database.db), prefix });
  const stores = objectStores(store('s3:blobs/'), [store('s3:blobs2/'), store('dir:')]);
  expect(stores.at('s3:blobs2/ab/cd')).toMatchObject({ key: 'ab/cd', store: { prefix: 's3:blobs2/' } });
  expect(stores.at('s3:blobs/ab/cd')).toMatchObject({ key: 'ab/cd', store: { prefix: 's3:blobs/' } });
  expect(() => stores.at('s3:other/ab/cd')).toThrow('The object store is not available.');
});
