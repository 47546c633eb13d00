import type { HealthActivities, HealthReport } from '../src/contract/health.ts';
import { bookkeeping } from './bookkeeping.ts';

/** What fails for this long is left to the next sweep. */
const local = bookkeeping<HealthActivities>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumAttempts: 4 },
});

/** Judges the silence of runs that runtimes outside carry out. Started by a schedule, every few seconds. */
export async function healthSweep(): Promise<HealthReport> {
  return local.judgeSilence();
}
