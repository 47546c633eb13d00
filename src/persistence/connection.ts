import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import type { Db } from './db.ts';
import { sessionOf } from './statement.ts';

/**
 * Runs `work` on one connection of the pool, which it has to itself: what belongs to a connection, a temporary table for
 * one, stays there from statement to statement. Statements commit one by one unless `work` opens a transaction.
 */
export async function withConnection<T>(pool: Db, work: (db: Db) => Promise<T>): Promise<T> {
  const { client: source, logger } = sessionOf(pool);
  const client = await (source as pg.Pool).connect();
  try {
    const result = await work(drizzle(client, { logger }));
    client.release();
    return result;
  } catch (error) {
    // Nobody is to find what was left on it.
    client.release(true);
    throw error;
  }
}
