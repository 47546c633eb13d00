import type { HealthActivities } from '../src/contract/health.ts';
import type { HealthSweeper } from '../src/domain/health.ts';
import { translated } from './heartbeat.ts';

/** The silence of external runs: input → one service call. */
export function createHealthActivities(sweeper: HealthSweeper): HealthActivities {
  return { judgeSilence: () => translated(() => sweeper.sweep()) };
}
