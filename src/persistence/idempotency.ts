import { sql } from 'drizzle-orm';
import type { Db } from './db.ts';

/** Whose key it is; the same text in another project or of another caller is another key. */
export interface KeyScope {
  project_id: string;
  principal: string;
  key: string;
}

export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer | null;
}

export interface KeyRow {
  /** True when this call got the key. */
  mine: boolean;
  request_hash: string;
  /** The first answer; null while the first request is in flight. */
  answer: StoredAnswer | null;
}

export interface Claim extends KeyScope {
  request_hash: string;
  /** Unique to this attempt: a holder that lost its lock must not write over its successor. */
  token: string;
  lock_seconds: number;
  keep_seconds: number;
}

export type IdempotencyRepository = ReturnType<typeof idempotencyRepository>;

/** Rows of `idempotency_key`. While a request is in flight, `headers` holds `{claim: <token>}`. */
export function idempotencyRepository(db: Db) {
  return {
    /** Takes the key, or reads who has it. One statement; concurrent callers queue on the row. */
    async claim(claim: Claim): Promise<KeyRow> {
      const result = await db.execute<RawRow>(claimStatement(claim));
      return toKeyRow(result.rows[0]!);
    },

    /** Stores the first answer, unless the lock went to someone else meanwhile. */
    async complete(scope: KeyScope, token: string, answer: StoredAnswer): Promise<boolean> {
      const result = await db.execute(sql`
        UPDATE idempotency_key
        SET status = ${answer.status}, headers = ${JSON.stringify(answer.headers)}::json, body = ${answer.body}
        WHERE ${held(scope, token)}`);
      return result.rowCount === 1;
    },

    /** Makes the key free again. */
    async release(scope: KeyScope, token: string): Promise<void> {
      await db.execute(sql`DELETE FROM idempotency_key WHERE ${held(scope, token)}`);
    },

    async renew(scope: KeyScope, token: string, lock_seconds: number): Promise<void> {
      await db.execute(sql`
        UPDATE idempotency_key SET locked_until = clock_timestamp() + make_interval(secs => ${lock_seconds})
        WHERE ${held(scope, token)}`);
    },

    /** Deletes at most `limit` keys older than `keep_seconds`; says how many. */
    async sweep(keep_seconds: number, limit: number): Promise<number> {
      const result = await db.execute(sql`
        DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY (
          SELECT ctid FROM idempotency_key
          WHERE created_at < now() - make_interval(secs => ${keep_seconds}) AND locked_until < now()
          ORDER BY created_at LIMIT ${limit}))`);
      return result.rowCount ?? 0;
    },
  };
}

interface RawRow extends Record<string, unknown> {
  mine: boolean;
  request_hash: string;
  status: number | null;
  headers: Record<string, string>;
  body: Buffer | null;
}

/**
 * A row that is taken over becomes new; any other one is written back as it is, because only an update returns it under
 * the row lock. Taken over are answers past their time and locks that ran out on the same request (a crashed holder).
 */
function claimStatement(claim: Claim) {
  const token = JSON.stringify({ claim: claim.token });
  const free = sql`(
    CASE WHEN k.status IS NULL THEN k.locked_until < clock_timestamp() AND k.request_hash = excluded.request_hash
         ELSE k.created_at < now() - make_interval(secs => ${claim.keep_seconds}) END)`;
  return sql`
    INSERT INTO idempotency_key AS k (project_id, principal, key, request_hash, headers, locked_until)
    VALUES (${claim.project_id}, ${claim.principal}, ${claim.key}, ${claim.request_hash}, ${token}::json,
      clock_timestamp() + make_interval(secs => ${claim.lock_seconds}))
    ON CONFLICT (project_id, principal, key) DO UPDATE SET
      request_hash = CASE WHEN ${free} THEN excluded.request_hash ELSE k.request_hash END,
      headers = CASE WHEN ${free} THEN excluded.headers ELSE k.headers END,
      locked_until = CASE WHEN ${free} THEN excluded.locked_until ELSE k.locked_until END,
      created_at = CASE WHEN ${free} THEN now() ELSE k.created_at END,
      status = CASE WHEN ${free} THEN NULL ELSE k.status END,
      body = CASE WHEN ${free} THEN NULL ELSE k.body END
    RETURNING k.request_hash, k.status, k.headers, k.body,
      k.status IS NULL AND k.headers ->> 'claim' = ${claim.token} AS mine`;
}

function held(scope: KeyScope, token: string) {
  return sql`project_id = ${scope.project_id} AND principal = ${scope.principal} AND key = ${scope.key}
    AND status IS NULL AND headers ->> 'claim' = ${token}`;
}

function toKeyRow(row: RawRow): KeyRow {
  const { mine, request_hash, status, headers, body } = row;
  return { mine, request_hash, answer: status === null ? null : { status, headers, body } };
}
