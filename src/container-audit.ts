import type { Base } from './container-store.ts';
import { auditService } from './domain/audit.ts';
import { auditLog } from './domain/audit-log.ts';
import { auditSealer } from './domain/audit-sealer.ts';
import { newId } from './ids.ts';
import { auditRepository } from './persistence/audit.ts';
import { auditSealRepository } from './persistence/audit-seal.ts';

/** The audit log: how it is written, sealed and read. */
export function createAudit({ db }: Base) {
  const rows = auditRepository(db);
  return {
    audit_log: auditLog({ rows, ids: newId }),
    audit_sealer: auditSealer({ rows: auditSealRepository(db) }),
    audit: auditService({ rows }),
  };
}
