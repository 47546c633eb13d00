import type { ScheduleActivities } from '../src/contract/schedules.ts';
import type { ScheduledRuns } from '../src/domain/scheduled-runs.ts';
import type { TriggerService } from '../src/domain/triggers.ts';
import { translated, withHeartbeat } from './heartbeat.ts';

export interface ScheduleServices {
  scheduled: ScheduledRuns;
  triggers: Pick<TriggerService, 'reconcile'>;
}

/** What schedules do: input → one service call. */
export function createScheduleActivities({ scheduled, triggers }: ScheduleServices): ScheduleActivities {
  return {
    openScheduledRun: (firing) => translated(() => scheduled.open(firing)),
    endOfRun: ({ run_id }) => translated(() => scheduled.endOf(run_id)),
    cancelScheduledRun: (request) => translated(() => scheduled.cancel(request)),
    repairSchedules: () => translated(() => withHeartbeat(() => triggers.reconcile())),
  };
}
