import { v7 } from 'uuid';
import type { Role } from '../../src/contract/roles.ts';
import type { Caller } from '../../src/domain/refs.ts';
import { type StoreOptions, type StoreServices, storeServices } from '../../src/domain/store.ts';
import { type Database, openDatabase } from '../../src/persistence/db.ts';
import type { TagMoveRow } from '../../src/persistence/tags-list.ts';
import { testDatabase } from './database.ts';

export const PROJECT_ID = '00000000-0000-7000-8000-000000000001';

/** Someone of the default project; an owner unless told otherwise. */
export const callerAs = (actor: string, role: Role = 'owner', more: Partial<Caller> = {}): Caller => ({
  project_id: PROJECT_ID,
  actor,
  role,
  ...more,
});

export const caller = callerAs('test');

export interface TestStore {
  store: StoreServices;
  database: Database;
  /** Every statement sent so far. */
  statements: string[];
  close(): Promise<void>;
}

/** The versioned store on a database of its own. */
export async function testStore(
  options: Partial<StoreOptions> & { max_connections?: number } = {},
): Promise<TestStore> {
  const { max_connections = 10, ...further } = options;
  const test_database = await testDatabase();
  const statements: string[] = [];
  const onStatement = (sql: string) => statements.push(sql);
  const database = openDatabase({ url: test_database.url, max_connections, onStatement });
  return {
    store: storeServices({ db: database.db, ids: v7, ...further }),
    database,
    statements,
    async close() {
      await database.close();
      await test_database.drop();
    },
  };
}

/** The smallest definition that is one, different for each value. */
export const definitionOf = (value: unknown) => ({
  schema_version: 1,
  name: 'x',
  nodes: { a: { type: 'transform', config: { value } } },
});

/** Every entry of a tag's history, oldest first. */
export async function wholeHistory({ tags }: StoreServices, name: string): Promise<TagMoveRow[]> {
  const entries: TagMoveRow[] = [];
  let before: number | undefined;
  do {
    const page = await tags.history(PROJECT_ID, name, { before, limit: 100 });
    entries.push(...page.items);
    before = page.next;
  } while (before !== undefined);
  return entries.reverse();
}

/** What an attempt came to: `done`, or the code it was refused with. */
export const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
