import type { CommandRow } from '../persistence/commands.ts';
import type { HeartbeatRow, MetricPoint } from '../persistence/heartbeats.ts';
import type { RunEventRow } from '../persistence/run-events.ts';
import type { RunRow } from '../persistence/runs.ts';
import type { StepRow } from '../persistence/steps.ts';
import { waitingFor } from './rules/flow.ts';
import { nextActions } from './rules/next-actions.ts';

/** A run as callers see it (contract §9). */
export function viewRun(row: RunRow) {
  const { progress_done, progress_total, journal_seq: _journal, last_event_seq: _last, ...known } = row;
  const { journal_history: _history, journal_retold: _retold, ...more } = known;
  const {
    flow_key: _key,
    flow_limit: _limit,
    rate_key: _rate,
    rate_per_second: _pace,
    rate_slot: _beat,
    ...rest
  } = more;
  return {
    ...rest,
    waiting_for: waitingFor(row),
    next_actions: nextActions(row),
    admitted_at: row.admitted_at?.toISOString() ?? null,
    progress: { done: progress_done, total: progress_total },
    temporal_workflow_id: row.executor === 'temporal' ? row.id : null,
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
  const { payload_hash: _hash, seq: _seq, lease_token: _token, ...rest } = row;
  return {
    ...rest,
    issued_at: row.issued_at.toISOString(),
    delivered_at: row.delivered_at?.toISOString() ?? null,
    acknowledged_at: row.acknowledged_at?.toISOString() ?? null,
    lease_expires_at: row.lease_expires_at?.toISOString() ?? null,
    expires_at: row.expires_at?.toISOString() ?? null,
  };
}

/** A command for the one who has it now. */
export function viewLeased(row: CommandRow) {
  return { ...viewCommand(row), lease_token: row.lease_token };
}

export function viewHeartbeat(run_id: string, { at, ...rest }: HeartbeatRow) {
  return { run_id, ...rest, at: at.toISOString() };
}

export function viewPoint({ at, ...rest }: MetricPoint) {
  return { ...rest, at: at.toISOString() };
}
