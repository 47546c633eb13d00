import { createHash } from 'node:crypto';
import { createAudit } from '../../src/container-audit.ts';
import { NO_METRICS } from '../../src/contract/metrics.ts';
import type { Db } from '../../src/persistence/db.ts';

/** An entry as the API shows it. */
export interface AuditBody {
  id: string;
  scope: string;
  at: string;
  principal: string;
  credential: string | null;
  action: string;
  target: string;
  status: number;
  request_id: string;
  address: string;
  user_agent: string | null;
  body_digest: string | null;
  replayed: boolean;
  seq: number | null;
  previous_hash: string | null;
  hash: string | null;
}

/** The audit log as a process of the product has it, on this database. */
export const auditOn = (db: Db) => createAudit({ db, metrics: NO_METRICS } as never);

/** What an export holds when all of it is as it was sealed; throws otherwise. Knows nothing of the product but docs/audit.md. */
export function verifyExport(text: string): {
  entries: AuditBody[];
  head: { seq: number; hash: string } | null;
} {
  const lines = text.trimEnd().split('\n');
  const { summary } = JSON.parse(lines.pop()!) as {
    summary: { entries: number; head: { seq: number; hash: string } | null };
  };
  const entries = lines.map((line) => JSON.parse(line) as AuditBody);
  let before: AuditBody | undefined;
  for (const entry of entries) {
    const { hash, ...rest } = entry;
    // All names are ASCII and all values flat: sorted members without white space are the canonical text.
    const text = JSON.stringify(
      Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))),
    );
    if (createHash('sha256').update(text).digest('hex') !== hash)
      throw new Error(`entry ${entry.seq} was altered`);
    const expected = before ?? {
      seq: entry.seq! - 1,
      hash: entry.seq === 1 ? '0'.repeat(64) : entry.previous_hash,
    };
    if (entry.seq !== expected.seq! + 1 || entry.previous_hash !== expected.hash)
      throw new Error(`entry ${entry.seq} does not follow`);
    before = entry;
  }
  const head = before ? { seq: before.seq!, hash: before.hash! } : null;
  if (summary.entries !== entries.length || JSON.stringify(summary.head) !== JSON.stringify(head))
    throw new Error('the last line says something else');
  return { entries, head };
}
