import type { RetentionReport } from '../contract/maintenance.ts';
import type { Db } from '../persistence/db.ts';
import {
  deleteApprovals,
  deleteFindings,
  deleteFrames,
  deleteRuns,
  keptFor,
} from '../persistence/retention.ts';
import type { Watch } from './watch.ts';

export interface RetentionService {
  /** Deletes runs that ended so long ago as their project says, with all that belongs to them. What they alone needed is then garbage. */
  expireRuns(watch?: Watch<Pick<RetentionReport, 'runs'>>): Promise<Pick<RetentionReport, 'runs'>>;
  /** Deletes approvals of versions that tags have left behind, what old checks found, and what was heard of old proposals. */
  expireNotes(watch?: Watch<unknown>): Promise<Omit<RetentionReport, 'runs'>>;
}

export interface RetentionDeps {
  db: Db;
  /** After its end, where a project says nothing; 0 keeps runs, and what was heard of proposals, for ever. */
  retention_days: number;
  /** After so long an approval counts for garbage collection no more, nor for anything else. */
  undo_window_days: number;
}

const DAY_SECONDS = 86_400;
const RUNS_AT_ONCE = 200;
const PROPOSALS_AT_ONCE = 200;
const FINDINGS_DAYS = 90;

export function retentionService({ db, retention_days, undo_window_days }: RetentionDeps): RetentionService {
  return {
    async expireRuns({ from, report, signal } = {}) {
      const expired = { runs: from?.runs ?? 0 };
      for (const { id, days } of await keptFor(db)) {
        const older_than_seconds = (days ?? retention_days) * DAY_SECONDS;
        if (older_than_seconds === 0) continue;
        let count: number;
        do {
          signal?.throwIfAborted();
          count = await deleteRuns(db, id, { older_than_seconds, limit: RUNS_AT_ONCE });
          expired.runs += count;
          report?.(expired);
        } while (count > 0);
      }
      return expired;
    },
    expireNotes: async ({ signal } = {}) => ({
      approvals: await deleteApprovals(db, undo_window_days * DAY_SECONDS),
      findings: await deleteFindings(db, FINDINGS_DAYS * DAY_SECONDS),
      frames: retention_days === 0 ? 0 : await expireFrames(db, retention_days * DAY_SECONDS, signal),
    }),
  };
}

async function expireFrames(db: Db, seconds: number, signal?: AbortSignal): Promise<number> {
  for (let expired = 0; ;) {
    signal?.throwIfAborted();
    const { proposals, frames } = await deleteFrames(db, seconds, PROPOSALS_AT_ONCE);
    expired += frames;
    if (proposals === 0) return expired;
  }
}
