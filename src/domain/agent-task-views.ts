import type { AgentTaskRow } from '../persistence/agent-tasks.ts';

/** A task as callers see it. */
export function viewTask(row: AgentTaskRow) {
  const {
    project_id: _project,
    epoch: _epoch,
    lease_token: _token,
    outcome_hash: _hash,
    item,
    ...rest
  } = row;
  return {
    ...rest,
    item: item < 0 ? null : item,
    claimed_at: row.claimed_at?.toISOString() ?? null,
    lease_expires_at: row.lease_expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}

/** A task for the one who has it now. */
export function viewClaimed(row: AgentTaskRow) {
  return { ...viewTask(row), lease_token: row.lease_token };
}
