import type { TemporalRunSchedules } from '../clients/temporal-run-schedules.ts';
import type {
  FiredRun,
  ListedSchedule,
  ScheduleError,
  ScheduleRepository,
} from '../persistence/schedules.ts';
import { type Drift, driftOf } from './rules/schedule-drift.ts';
import { type Page, page } from './tags.ts';

export interface ScheduleView {
  id: string;
  workflow: string;
  /** The live tag it comes from, and what that points at; null for a schedule that is about to go. */
  tag: string | null;
  version_hash: string | null;
  cron: string;
  time_zone: string;
  overlap: string;
  catch_up_seconds: number;
  next_runs: Date[];
  recent: { scheduled_at: Date; run_id: string }[];
  paused: boolean;
  drift: Drift | null;
  last_error: ScheduleError | null;
  last_repair: { drift: Drift; at: Date } | null;
}

export interface SchedulePosition {
  workflow: string;
  id: string;
}

const RECENT = 10;
const FIRST: SchedulePosition = { workflow: '', id: '00000000-0000-0000-0000-000000000000' };

interface Deps {
  schedules: Pick<ScheduleRepository, 'list' | 'recent'>;
  temporal: Pick<TemporalRunSchedules, 'describe'>;
}

export type ScheduleService = ReturnType<typeof scheduleService>;

/** Schedules as definitions have them, beside what Temporal makes of them. */
export function scheduleService({ schedules, temporal }: Deps) {
  async function viewOf(row: ListedSchedule, recent: FiredRun[]): Promise<ScheduleView> {
    const seen = await temporal.describe(row);
    const { id, workflow, tag, version_hash, cron, time_zone, overlap, catch_up_seconds } = row;
    return {
      ...{ id, workflow, tag, version_hash, cron, time_zone, overlap, catch_up_seconds },
      next_runs: seen && !seen.paused && row.wanted ? seen.next_runs : [],
      recent: recent
        .filter(({ schedule_id }) => schedule_id === id)
        .map(({ scheduled_at, run_id }) => ({ scheduled_at, run_id })),
      paused: seen?.paused ?? false,
      drift: driftOf(row, seen),
      last_error: row.apply_error ?? row.firing_error,
      last_repair: row.repaired && { drift: row.repaired, at: row.repaired_at! },
    };
  }

  return {
    /** By workflow. Throws `temporal_unavailable`: half of an answer would say that nothing is planned. */
    async list(
      filter: { project_id: string; workflow?: string },
      { after = FIRST, limit }: { after?: SchedulePosition; limit: number },
    ): Promise<Page<ScheduleView, SchedulePosition>> {
      const rows = await schedules.list(filter, after, limit + 1);
      const { items, next } = page(rows, limit, ({ workflow, id }) => ({ workflow, id }));
      const recent = await schedules.recent(
        items.map(({ id }) => id),
        RECENT,
      );
      return { items: await Promise.all(items.map((row) => viewOf(row, recent))), next };
    },
  };
}
