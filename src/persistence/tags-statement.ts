import type pg from 'pg';
import type { Db } from './db.ts';

/** One SQL text with a name: each connection parses and plans it once. `Row` is what a result row holds. */
export interface Statement<Row> {
  name: string;
  text: string;
  /** Never set; carries the row type. */
  row?: Row;
}

interface Session {
  client: { query(config: pg.QueryConfig & { binary?: boolean }): Promise<pg.QueryResult> };
  logger: { logQuery(text: string, params: unknown[]): void };
}

export interface RunOptions {
  /** Ask for the binary format: a bytea arrives as it is, not as twice its size in hexadecimal. */
  binary?: boolean;
}

export const statement = <Row>(name: string, text: string): Statement<Row> => ({ name, text });

/**
 * Runs a named statement on the pool or the transaction behind `db` and answers its rows.
 * Drizzle's own `execute` cannot name a raw statement, so every call of a large CTE would be planned again, which
 * costs more than running it.
 */
export async function run<Row>(
  db: Db,
  { name, text }: Statement<Row>,
  values: unknown[],
  options?: RunOptions,
): Promise<Row[]> {
  const { client, logger } = db._.session as unknown as Session;
  logger.logQuery(text, values);
  const result = await client.query({ name, text, values, ...options });
  return result.rows as Row[];
}

/** The first row, or undefined when there is none. */
export async function runOne<Row>(
  db: Db,
  text: Statement<Row>,
  values: unknown[],
  options?: RunOptions,
): Promise<Row | undefined> {
  return (await run(db, text, values, options))[0];
}
