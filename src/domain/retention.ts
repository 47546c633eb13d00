import type { RetentionReport } from '../contract/maintenance.ts';
import type { Db } from '../persistence/db.ts';
import { deleteApprovals, deleteFindings, deleteRuns } from '../persistence/retention.ts';
import type { Watch } from './watch.ts';

export interface RetentionService {
  /** Deletes runs that ended so long ago, with everything that belongs to them. What they alone needed is then garbage. */
  expireRuns(watch?: Watch<Pick<RetentionReport, 'runs'>>): Promise<Pick<RetentionReport, 'runs'>>;
  /** Deletes approvals of versions that tags have left behind, and what old checks found. */
  expireNotes(): Promise<Omit<RetentionReport, 'runs'>>;
}

export interface RetentionDeps {
  db: Db;
  /** After its end; 0 keeps runs for ever. */
  retention_days: number;
  /** After so long an approval counts for garbage collection no more, nor for anything else. */
  undo_window_days: number;
}

const DAY_SECONDS = 86_400;
const RUNS_AT_ONCE = 200;
const FINDINGS_DAYS = 90;

export function retentionService({ db, retention_days, undo_window_days }: RetentionDeps): RetentionService {
  return {
    async expireRuns({ from, report, signal } = {}) {
      const expired = { runs: from?.runs ?? 0 };
      if (retention_days === 0) return expired;
      let count: number;
      do {
        signal?.throwIfAborted();
        count = await deleteRuns(db, retention_days * DAY_SECONDS, RUNS_AT_ONCE);
        expired.runs += count;
        report?.(expired);
      } while (count > 0);
      return expired;
    },
    expireNotes: async () => ({
      approvals: await deleteApprovals(db, undo_window_days * DAY_SECONDS),
      findings: await deleteFindings(db, FINDINGS_DAYS * DAY_SECONDS),
    }),
  };
}
