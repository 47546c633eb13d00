import { types } from 'node:util';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { AppError } from '../contract/errors.ts';

/** A connection pool or an open transaction: repositories take either. */
export type Db = NodePgDatabase;

export interface DatabaseOptions {
  url: string;
  max_connections: number;
  /** Called with every statement sent; the statement budget is tested through it. */
  onStatement?: (sql: string) => void;
  /** Called when an idle connection breaks; the pool replaces it. */
  onIdleError?: (error: Error) => void;
}

export interface Database {
  db: Db;
  pool: pg.Pool;
  close: () => Promise<void>;
}

/** Opens a pool. Nothing connects before the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max_connections,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // Without a listener a broken idle connection would end the process.
  pool.on('error', (error) => options.onIdleError?.(error));
  // One that breaks between two statements of a transaction has nobody else to tell; the next statement fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const { onStatement } = options;
  const logger = onStatement ? { logQuery: (sql: string) => onStatement(sql) } : false;
  const db = drizzle(pool, { logger });
  db.transaction = releasing(pool, (client) => drizzle(client, { logger }));
  return { db, pool, close: () => pool.end() };
}

/** Transactions that let go of their connection also when it breaks at BEGIN, where drizzle's own keep it for ever. */
function releasing(pool: pg.Pool, onClient: (client: pg.PoolClient) => Db): Db['transaction'] {
  return async (work, config) => {
    const client = await pool.connect();
    try {
      const result = await onClient(client).transaction(work, config);
      client.release();
      return result;
    } catch (error) {
      client.release(isDatabaseAway(error));
      throw error;
    }
  };
}

/** Resolves when the database answers. */
export async function ping(db: Db): Promise<void> {
  await db.execute(sql`SELECT 1`);
}

/** SQLSTATE classes and codes that mean "not now": connection lost, shutting down, starting, out of resources. */
const AWAY = /^(08|53|57P0)/;
const SOCKET_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'ENOENT']);
const POOL_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error/;

/** True when the database could not be reached, as opposed to having refused the statement. */
export function isDatabaseAway(error: unknown): boolean {
  // Native, not an instance: in a test, errors of sockets are of another realm.
  for (let e = error; types.isNativeError(e); e = e.cause) {
    const code = (e as { code?: unknown }).code;
    if (typeof code === 'string' && (AWAY.test(code) || SOCKET_ERRORS.has(code))) return true;
    if (POOL_MESSAGES.test(e.message)) return true;
    if (e instanceof AggregateError && e.errors.some(isDatabaseAway)) return true;
  }
  return false;
}

/** The SQLSTATE of the innermost PostgreSQL error, with its constraint, if there is one. */
export function sqlState(error: unknown): { code: string; constraint?: string } | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const { code, constraint } = e as { code?: unknown; constraint?: string };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return { code, constraint };
  }
  return undefined;
}

/** Translates "the database is away" to `database_unavailable`; everything else passes as it is. */
export function asDatabaseError(error: unknown): unknown {
  if (error instanceof AppError || !isDatabaseAway(error)) return error;
  return new AppError('database_unavailable', { cause: error, retry_after_seconds: 1 });
}
