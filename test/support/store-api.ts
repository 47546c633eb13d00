import { v7 } from 'uuid';
import {
  LIMITS,
  listeningApi,
  OTHER_PROJECT_ID,
  OWNER,
  type TestAnswer,
  type TestApi,
  TOKEN,
} from '../../src/api/app-fixture.ts';
import { bearerAuthentication } from '../../src/api/middleware/bearer.ts';
import type { Principal } from '../../src/contract/principal.ts';
import { storeRoutes } from '../../src/api/routes/store.ts';
import { storeServices } from '../../src/domain/store.ts';
import { asDatabaseError, type Database, openDatabase } from '../../src/persistence/db.ts';
import { testDatabase } from './database.ts';

export interface StoreApi {
  api: TestApi;
  database: Database;
  /** A call below `/api/v1` by the owner, or by the principal of that name. */
  call: (method: string, path: string, body?: unknown, more?: CallMore) => Promise<TestAnswer>;
  close(): Promise<void>;
}

export interface CallMore {
  as?: string;
  if_match?: number;
  headers?: Record<string, string>;
}

/** The store's routes over HTTP, on a database of their own with a second project, for an owner and further people. */
export async function storeApi(
  people: Readonly<Record<string, Omit<Principal, 'id'>>> = {},
): Promise<StoreApi> {
  const test_database = await testDatabase();
  const database = openDatabase({ url: test_database.url, max_connections: 10 });
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [
    OTHER_PROJECT_ID,
  ]);
  const credentials = Object.entries(people).map(([name, rest]) => ({
    token: tokenOf(name),
    principal: { id: `token:${name}`, ...rest },
  }));
  const api = await listeningApi(storeRoutes(storeServices({ db: database.db, ids: v7 })), {
    authenticate: bearerAuthentication([{ token: TOKEN, principal: OWNER }, ...credentials]),
    limits: { ...LIMITS, body_bytes: 1_048_576 },
    translateError: asDatabaseError,
  });
  return {
    api,
    database,
    call(method, path, body, { as, if_match, headers } = {}) {
      const authorization: Record<string, string> = as ? { authorization: `Bearer ${tokenOf(as)}` } : {};
      const condition: Record<string, string> = if_match === undefined ? {} : { 'if-match': `"${if_match}"` };
      return api.call(method, `/api/v1${path}`, {
        body,
        headers: { ...authorization, ...condition, ...headers },
      });
    },
    async close() {
      await api.close();
      await database.close();
      await test_database.drop();
    },
  };
}

const tokenOf = (name: string) => `token-of-${name}-${'x'.repeat(32)}`;
