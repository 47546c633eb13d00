import { v7 } from 'uuid';
import { definition, transform } from '../../test/support/definitions.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { readAncestry } from '../persistence/ancestry.ts';
import { type Database, openDatabase } from '../persistence/db.ts';
import { ancestryService } from './ancestry.ts';
import type { Caller } from './refs.ts';
import { type StoreServices, storeServices } from './store.ts';

const caller: Caller = { project_id: '00000000-0000-7000-8000-000000000001', actor: 'test', role: 'owner' };
const { project_id } = caller;
const OTHER = '00000000-0000-7000-8000-000000000002';
const statements: string[] = [];
let test_database: TestDatabase;
let database: Database;
let store: StoreServices;
let versions: string[];

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({
    url: test_database.url,
    max_connections: 4,
    onStatement: (sql) => statements.push(sql),
  });
  store = storeServices({ db: database.db, ids: v7 });
  versions = [];
  for (const value of [1, 2, 3, 4]) {
    const request = { tag: 'line', definition: definition('x', { a: transform(value) }), expectation: {} };
    versions.push((await store.workflows.save(caller, request)).head.id);
  }
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

it('reads a history in one statement, each version once', async () => {
  statements.length = 0;
  const rows = await readAncestry(database.db, project_id, { heads: versions, limit: 100 });
  expect(rows.map(({ id }) => id).sort()).toEqual([...versions].sort());
  expect(statements).toHaveLength(1);
});

it('reads nothing of another project', async () => {
  expect(await readAncestry(database.db, OTHER, { heads: versions, limit: 100 })).toEqual([]);
});

it('knows whether one version comes from another', async () => {
  const [first, , , last] = versions as [string, string, string, string];
  const ask = (ancestor: string, descendant: string) =>
    store.ancestry.isAncestor(project_id, { ancestor, descendant });
  expect(await ask(first, last)).toBe(true);
  expect(await ask(last, last)).toBe(true);
  expect(await ask(last, first)).toBe(false);
  expect(await store.ancestry.isAncestor(OTHER, { ancestor: first, descendant: last })).toBe(false);
});

it('refuses to look at more versions than it may, before it has read them all', async () => {
  const bounded = (max_versions: number) =>
    ancestryService({ db: database.db, refs: store.refs, max_versions });
  const compare = (max: number) => bounded(max).compare(project_id, { base: versions[0]!, head: 'line' });
  expect(await compare(4)).toMatchObject({ ahead: 3, behind: 0 });
  await expect(compare(3)).rejects.toMatchObject({ code: 'state_conflict' });
  const rows = await readAncestry(database.db, project_id, { heads: versions.slice(-1), limit: 2 });
  expect(rows).toHaveLength(2);
});
