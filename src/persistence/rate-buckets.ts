import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** What somebody has taken from a bucket, as the time that it takes to fill up again. */
export interface Taking {
  key: string;
  seconds: number;
  /** The longest time that the bucket may be away from being full. */
  most_seconds: number;
}

/** How far a bucket is from being full. */
export interface Level {
  key: string;
  seconds: number;
}

/** Buckets of tokens that all processes take from, filled by the clock of the database. One that has no row is full. */
export function rateBucketRepository(db: Db) {
  return {
    /** Notes everything at once, in one statement, and answers what is left. Keys are different ones. */
    async take(takings: readonly Taking[]): Promise<Level[]> {
      const values = [
        takings.map(({ key }) => key),
        takings.map(({ seconds }) => seconds),
        takings.map(({ most_seconds }) => most_seconds),
      ];
      return run(db, TAKE, values);
    },

    /** Deletes at most so many that are full; says how many. */
    forget: async (limit: number): Promise<number> => (await runOne(db, FORGET, [limit]))!.count,
  };
}

export type RateBucketRepository = ReturnType<typeof rateBucketRepository>;

// In one order whoever does it, so that two processes never wait for each other's rows.
const TAKE = statement<Level>(
  'rate_take',
  `INSERT INTO rate_bucket AS b (key, full_at, most)
   SELECT key, statement_timestamp() + make_interval(secs => least(seconds, most)), make_interval(secs => most)
   FROM unnest($1::text[], $2::float8[], $3::float8[]) AS taken (key, seconds, most) ORDER BY key
   ON CONFLICT (key) DO UPDATE SET most = excluded.most, full_at = least(
     greatest(b.full_at, statement_timestamp()) + (excluded.full_at - statement_timestamp()),
     statement_timestamp() + excluded.most)
   RETURNING key, extract(epoch FROM full_at - statement_timestamp())::float8 AS seconds`,
);

const FORGET = statement<{ count: number }>(
  'rate_forget',
  `WITH full_ones AS MATERIALIZED (
     SELECT key FROM rate_bucket WHERE full_at <= statement_timestamp() ORDER BY full_at LIMIT $1 FOR UPDATE SKIP LOCKED
   ), gone AS (
     DELETE FROM rate_bucket b USING full_ones f WHERE b.key = f.key RETURNING 1
   )
   SELECT count(*)::integer AS count FROM gone`,
);
