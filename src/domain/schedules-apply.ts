import type { TemporalRunSchedules } from '../clients/temporal-run-schedules.ts';
import { AppError } from '../contract/errors.ts';
import type { Metrics } from '../contract/metrics.ts';
import type { ScheduleReport } from '../contract/schedules.ts';
import type { ScheduleRepository, ScheduleRow } from '../persistence/schedules.ts';
import { driftOf, fingerprintOf } from './rules/schedule-drift.ts';

interface Deps {
  schedules: ScheduleRepository;
  temporal: TemporalRunSchedules;
  metrics: Pick<Metrics, 'scheduleRepaired'>;
  clock: () => Date;
  onError: (error: unknown, schedule: Pick<ScheduleRow, 'id' | 'workflow'>) => void;
}

const BATCH = 50;
const PAGE = 200;
/** The wait after a failure, and what it grows to. */
const RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 600;
const NO_ID = '00000000-0000-0000-0000-000000000000';

export type ScheduleApplier = ReturnType<typeof scheduleApplier>;

/** Makes Temporal's schedules what the rows say. Any number of processes may do so at once. */
export function scheduleApplier({ schedules, temporal, metrics, clock, onError }: Deps) {
  /** What Temporal was given may be older than what another process gave it; then it is given again. */
  async function applyOne(row: ScheduleRow): Promise<void> {
    const { id, revision } = row;
    if (row.wanted) {
      const seen = await temporal.put(row);
      if (!(await schedules.applied(id, revision, fingerprintOf(seen)))) await schedules.again(id);
    } else {
      await temporal.remove(row);
      if (!(await schedules.removed(id, revision))) await schedules.again(id);
    }
  }

  async function failed(row: ScheduleRow, error: unknown): Promise<void> {
    const { code, message } = error instanceof AppError ? error : new AppError('internal');
    await schedules.noteApplyError(row.id, { code, message, at: clock().toISOString() });
    onError(error, row);
  }

  async function apply(): Promise<void> {
    for (;;) {
      const rows = await schedules.claim(BATCH, RETRY_SECONDS, MAX_RETRY_SECONDS);
      for (const row of rows) await applyOne(row).catch((error: unknown) => failed(row, error));
      if (rows.length < BATCH) return;
    }
  }

  function count(report: ScheduleReport, drift: keyof ScheduleReport): void {
    report[drift] += 1;
    metrics.scheduleRepaired(drift);
  }

  async function findDrift(report: ScheduleReport): Promise<void> {
    let after = NO_ID;
    for (;;) {
      const rows = await schedules.inPlace(after, PAGE);
      for (const row of rows) {
        const drift = driftOf(row, await temporal.describe(row));
        if (drift === null || drift === 'extra') continue;
        if (await schedules.drifted(row.id, row.fingerprint, drift)) count(report, drift);
      }
      if (rows.length < PAGE) return;
      after = rows.at(-1)!.id;
    }
  }

  return {
    /** Gives Temporal what is due. What fails is tried again later, less and less often. */
    apply,

    /** Finds what somebody changed in Temporal and puts it right; a pause is an operator's right and stays. */
    async repair(): Promise<ScheduleReport> {
      const report: ScheduleReport = { missing: 0, changed: 0, extra: 0 };
      // The row is there before Temporal's schedule is: what was listed and has none then belongs to nobody.
      const listed = await temporal.list();
      const known = await schedules.known(listed.map(({ id }) => id));
      for (const stray of listed.filter(({ id }) => !known.has(id)))
        if (await temporal.remove(stray)) count(report, 'extra');
      await findDrift(report);
      await apply();
      return report;
    },
  };
}
