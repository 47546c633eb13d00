import type pg from 'pg';
import type { Db } from './db.ts';

/** One SQL text with a name: each connection parses and plans it once. `Row` is what a result row holds. */
export interface Statement<Row> {
  name: string;
  text: string;
  /** Never set; carries the row type. */
  row?: Row;
}

/** One connection, for what the driver does by itself. */
export interface PgClient {
  query(submittable: object): unknown;
  release?(error?: Error): void;
}

/** What drizzle keeps to itself of a connection or a pool. */
interface Session {
  client: { query(config: pg.QueryConfig): Promise<pg.QueryResult> } & (
    PgClient | { connect(): Promise<PgClient> }
  );
  logger: { logQuery(text: string, params: unknown[]): void };
}

export const sessionOf = (db: Db): Session => db._.session as unknown as Session;

export const statement = <Row>(name: string, text: string): Statement<Row> => ({ name, text });

/**
 * Runs a named statement on the pool or the transaction behind `db` and answers its rows.
 * Drizzle's own `execute` cannot name a raw statement, so every call of a large CTE would be planned again, which
 * costs more than running it.
 */
export async function run<Row>(db: Db, { name, text }: Statement<Row>, values: unknown[]): Promise<Row[]> {
  const { client, logger } = sessionOf(db);
  logger.logQuery(text, values);
  const result = await client.query({ name, text, values });
  return result.rows as Row[];
}

/** The first row, or undefined when there is none. */
export async function runOne<Row>(db: Db, text: Statement<Row>, values: unknown[]): Promise<Row | undefined> {
  return (await run(db, text, values))[0];
}

/**
 * The connection of a transaction, or one of the pool's to be released after use (with the error, if it ended in one).
 * `text` is what will be sent, for the log.
 */
export async function clientOf(
  db: Db,
  text: string,
): Promise<{ client: PgClient; release: (error?: Error) => void }> {
  const { client, logger } = sessionOf(db);
  logger.logQuery(text, []);
  if ('release' in client) return { client, release: () => undefined };
  const taken = await (client as { connect(): Promise<PgClient> }).connect();
  return { client: taken, release: (error) => taken.release?.(error) };
}
