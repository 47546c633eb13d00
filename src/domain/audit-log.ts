import type { AuditNote } from '../contract/audit.ts';
import { AppError } from '../contract/errors.ts';
import type { AuditRepository } from '../persistence/audit.ts';

/** Where the API notes what it does. */
export interface AuditLog {
  /** Resolves when the note is kept for good. Throws `audit_unavailable`. */
  append(note: AuditNote): Promise<void>;
}

interface Deps {
  rows: Pick<AuditRepository, 'append'>;
  /** Ids that sort by the time they were made. */
  ids: () => string;
}

interface Waiting {
  note: AuditNote & { id: string };
  resolve: () => void;
  reject: (error: AppError) => void;
}

/** Larger ones would make those behind them wait for longer than they save. */
const BATCH = 500;
/** More than a process can have requests under way: beyond it the database has been away for long. */
const MAX_WAITING = 20_000;

/**
 * Keeps notes, those of concurrent requests in one statement: the first one goes at once, and what comes while it is
 * under way goes together after it. There is no timer.
 */
export function auditLog({ rows, ids }: Deps): AuditLog {
  const waiting: Waiting[] = [];
  let is_writing = false;

  async function write(batch: readonly Waiting[]): Promise<void> {
    try {
      await rows.append(batch.map(({ note }) => note));
    } catch (cause) {
      for (const { reject } of batch) reject(unavailable(cause));
      return;
    }
    for (const { resolve } of batch) resolve();
  }

  async function writeAll(): Promise<void> {
    is_writing = true;
    while (waiting.length > 0) await write(waiting.splice(0, BATCH));
    is_writing = false;
  }

  return {
    append(note) {
      if (waiting.length >= MAX_WAITING) return Promise.reject(unavailable());
      return new Promise((resolve, reject) => {
        waiting.push({ note: { ...note, id: ids() }, resolve, reject });
        if (!is_writing) void writeAll();
      });
    },
  };
}

const unavailable = (cause?: unknown) =>
  new AppError('audit_unavailable', {
    detail: 'It may have been done all the same: the same Idempotency-Key tells.',
    retry_after_seconds: 1,
    cause,
  });
