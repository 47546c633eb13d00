import { and, desc, eq, gte, lt, sql, type SQL } from 'drizzle-orm';
import type { AuditEntry, AuditNote, ChainHead, SealedEntry } from '../contract/audit.ts';
import type { Db } from './db.ts';
import { auditEntry } from './schema/audit.ts';
import { run, runOne, statement } from './statement.ts';

/** Which entries; what is left out does not matter. */
export interface AuditFilter {
  principal?: string;
  action?: string;
  status?: number;
  /** From then on. */
  since?: Date;
  /** Before then. */
  until?: Date;
  /** How the target begins. */
  target?: string;
}

export interface AuditPosition {
  at: Date;
  id: string;
}

/** A part of a chain: from `from_seq` to `to_seq`, both included. */
export interface ChainRange {
  scope: string;
  from_seq: number;
  to_seq: number;
}

/** A row as it is; `seq` comes as a number. */
export type AuditRow = typeof auditEntry.$inferSelect;

/** What was done, and in which order. */
export function auditRepository(db: Db) {
  return {
    /** All of them or none, in one statement. */
    async append(notes: readonly (AuditNote & { id: string })[]): Promise<void> {
      const column = (key: keyof (AuditNote & { id: string })) => notes.map((note) => note[key]);
      await run(db, APPEND, COLUMNS.map(column));
    },

    /** Newest first, after `position`. */
    async list(
      scope: string,
      filter: AuditFilter,
      { after, limit }: { after?: AuditPosition; limit: number },
    ): Promise<AuditEntry[]> {
      const rows = await db
        .select()
        .from(auditEntry)
        .where(and(eq(auditEntry.scope, scope), ...conditions(filter), beyond(after)))
        .orderBy(desc(auditEntry.at), desc(auditEntry.id))
        .limit(limit);
      return rows.map(toEntry);
    },

    /** The first `limit` entries of a part of a chain, in order. */
    async chain({ scope, from_seq, to_seq }: ChainRange, limit: number): Promise<SealedEntry[]> {
      const rows = await run(db, CHAIN, [scope, from_seq, to_seq, limit]);
      return rows.map((row) => toEntry(row) as SealedEntry);
    },

    /** The last entry of a chain; undefined when it has none. */
    async head(scope: string): Promise<ChainHead | undefined> {
      return runOne(db, HEAD, [scope]);
    },

    /** How many entries wait for their place. */
    async countUnsealed(scope: string): Promise<number> {
      return (await runOne(db, UNSEALED, [scope]))!.count;
    },
  };
}

export type AuditRepository = ReturnType<typeof auditRepository>;

/** A row as an entry. */
export function toEntry({ seq, previous_hash, hash, ...entry }: AuditRow): AuditEntry {
  const is_sealed = seq !== null && previous_hash !== null && hash !== null;
  return { ...entry, seal: is_sealed ? { seq, previous_hash, hash } : null };
}

function conditions({ principal, action, status, since, until, target }: AuditFilter): (SQL | undefined)[] {
  return [
    principal === undefined ? undefined : eq(auditEntry.principal, principal),
    action === undefined ? undefined : eq(auditEntry.action, action),
    status === undefined ? undefined : eq(auditEntry.status, status),
    since && gte(auditEntry.at, since),
    until && lt(auditEntry.at, until),
    target === undefined ? undefined : sql`starts_with(${auditEntry.target}, ${target})`,
  ];
}

const beyond = (after: AuditPosition | undefined): SQL | undefined =>
  after &&
  sql`(${auditEntry.at}, ${auditEntry.id}) < (${after.at.toISOString()}::timestamptz, ${after.id}::uuid)`;

const COLUMNS = [
  'id',
  'scope',
  'principal',
  'credential',
  'action',
  'target',
  'status',
  'request_id',
  'address',
  'user_agent',
  'body_digest',
  'replayed',
] as const;

const APPEND = statement<never>(
  'audit_append',
  `INSERT INTO audit_entry (${COLUMNS.join(', ')})
   SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[],
     $9::text[], $10::text[], $11::text[], $12::boolean[])`,
);

/** Every column of a row, for whoever reads them without drizzle. */
export const AUDIT_ROW = `id, scope, at, ${COLUMNS.slice(2).join(', ')}, seq::float8 AS seq, previous_hash, hash`;

const CHAIN = statement<AuditRow>(
  'audit_chain',
  `SELECT ${AUDIT_ROW} FROM audit_entry e WHERE scope = $1 AND e.seq BETWEEN $2 AND $3 ORDER BY e.seq LIMIT $4`,
);

const HEAD = statement<ChainHead>(
  'audit_head',
  `SELECT seq::float8 AS seq, hash FROM audit_entry e WHERE scope = $1 AND e.seq IS NOT NULL ORDER BY e.seq DESC LIMIT 1`,
);

const UNSEALED = statement<{ count: number }>(
  'audit_unsealed',
  'SELECT count(*)::integer AS count FROM audit_entry WHERE scope = $1 AND seq IS NULL',
);
