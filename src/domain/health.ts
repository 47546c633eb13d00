import type { HealthReport } from '../contract/health.ts';
import type { Db } from '../persistence/db.ts';
import { judgeSilence, type HealthLimits } from '../persistence/health.ts';

const RUNS_AT_ONCE = 500;

export interface HealthSweeper {
  /**
   * Judges every external run that was silent for too long: one statement, and one more for each 500 of them. It says
   * what it finds and recommends; it ends nothing.
   */
  sweep(): Promise<HealthReport>;
}

export function healthSweeper({ db, limits }: { db: Db; limits: HealthLimits }): HealthSweeper {
  return {
    async sweep() {
      const report = { heartbeat_stale: 0, unresponsive: 0 };
      let looked_at: number;
      do {
        const judged = await judgeSilence(db, limits, RUNS_AT_ONCE);
        for (const { health } of judged) if (health) report[health] += 1;
        looked_at = judged.length;
      } while (looked_at === RUNS_AT_ONCE);
      return report;
    },
  };
}
