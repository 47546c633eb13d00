import type { AuditEntry, AuditSeal, ChainHead } from '../contract/audit.ts';
import { AUDIT_ROW, auditRepository, type AuditRow, toEntry } from './audit.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** Which seals entries get that come after `head`, in their order. */
export type SealRule = (head: ChainHead | undefined, entries: readonly AuditEntry[]) => AuditSeal[];

export type AuditSealRepository = ReturnType<typeof auditSealRepository>;

/** Gives entries their places in the chains. */
export function auditSealRepository(db: Db) {
  return {
    /** Some of the scopes with entries that have none yet. */
    async scopes(limit: number): Promise<string[]> {
      return (await run(db, SCOPES, [limit])).map(({ scope }) => scope);
    },

    /**
     * Seals at most `limit` entries of a scope, in the order of their ids; says how many. None when another process is
     * at it: behind its lock, whoever seals has seen every seal before.
     */
    async seal(scope: string, limit: number, rule: SealRule): Promise<number> {
      return db.transaction(async (tx) => {
        if (!(await runOne(tx, LOCK, [`audit ${scope}`]))!.is_ours) return 0;
        const head = await auditRepository(tx).head(scope);
        const entries = (await run(tx, WAITING, [scope, limit])).map(toEntry);
        if (entries.length === 0) return 0;
        const seals = rule(head, entries);
        const columns = [
          seals.map(({ seq }) => seq),
          seals.map(({ previous_hash }) => previous_hash),
          seals.map(({ hash }) => hash),
        ];
        await run(tx, SEAL, [entries.map(({ id }) => id), ...columns]);
        return entries.length;
      });
    },
  };
}

const SCOPES = statement<{ scope: string }>(
  'audit_scopes',
  'SELECT DISTINCT scope FROM audit_entry WHERE seq IS NULL LIMIT $1',
);

const LOCK = statement<{ is_ours: boolean }>(
  'audit_lock',
  'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_ours',
);

const WAITING = statement<AuditRow>(
  'audit_waiting',
  `SELECT ${AUDIT_ROW} FROM audit_entry e WHERE scope = $1 AND e.seq IS NULL ORDER BY id LIMIT $2`,
);

const SEAL = statement<never>(
  'audit_seal',
  `UPDATE audit_entry e SET seq = s.seq, previous_hash = s.previous_hash, hash = s.hash
   FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) AS s (id, seq, previous_hash, hash) WHERE e.id = s.id`,
);
