import type { CommandRow } from '../persistence/commands.ts';
import type { RunEventRow } from '../persistence/run-events.ts';
import type { RunRow } from '../persistence/runs.ts';
import type { StepRow } from '../persistence/steps.ts';

/** A run as callers see it (contract §9). */
export function viewRun(row: RunRow) {
  const { progress_done, progress_total, journal_seq: _journal, last_event_seq: _last, ...rest } = row;
  return {
    ...rest,
    progress: { done: progress_done, total: progress_total },
    temporal_workflow_id: row.id,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}

export type RunView = ReturnType<typeof viewRun>;

export function viewStep(row: StepRow) {
  const { item, output_hash: _hash, ...rest } = row;
  return {
    ...rest,
    item: item < 0 ? null : item,
    started_at: row.started_at?.toISOString() ?? null,
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}

export function viewEvent(row: RunEventRow) {
  return { ...row, time: row.time.toISOString() };
}

export function viewCommand(row: CommandRow) {
  const { payload_hash: _hash, ...rest } = row;
  return {
    ...rest,
    issued_at: row.issued_at.toISOString(),
    delivered_at: row.delivered_at?.toISOString() ?? null,
    acknowledged_at: row.acknowledged_at?.toISOString() ?? null,
  };
}
