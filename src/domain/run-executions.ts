import type { TemporalExecutions } from '../clients/temporal-executions.ts';
import type { RunState } from '../contract/run.ts';
import type { RunExecutionRepository } from '../persistence/run-executions.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';

interface Deps {
  runs: Pick<RunRepository, 'findAny'>;
  executions: RunExecutionRepository;
  temporal: Pick<TemporalExecutions, 'describe' | 'isReset'>;
}

/** What an execution that asks for its run says of itself. */
export interface Claim {
  run_id: string;
  temporal_run_id: string;
  /** Where its workflow is, when it knows. */
  state?: RunState;
  /** The number of the flush it wants to write. */
  seq?: number;
}

/** Whether the execution may write its run: it or its forerunner did, or the run was opened again for it; or not. */
export type Standing = 'its_own' | 'reopened' | 'over';

/**
 * Which Temporal execution may write a run: the one that did last, its continuation, or the one an operator's reset
 * has put in its place. Only the last of them opens the run again, in its next epoch.
 */
export function runExecutions({ runs, executions, temporal }: Deps) {
  /** Several steps of one execution may ask at once: who is late looks again. */
  async function takeOver(claim: Claim): Promise<Standing> {
    const { run_id, temporal_run_id } = claim;
    const row = await runs.findAny(run_id);
    if (!row) return 'over';
    if (row.temporal_run_id === temporal_run_id || row.temporal_run_id === null)
      return row.ended_at === null ? 'its_own' : 'over';
    const current = await temporal.describe(run_id);
    // Temporal has one open execution to an id: whoever is not it is over, however late it writes.
    if (current?.temporal_run_id !== temporal_run_id) return 'over';
    if (!(await isAnotherWay(row, claim)))
      return (await executions.adopt(row, temporal_run_id)) ? 'its_own' : takeOver(claim);
    const state = claim.state ?? current.state ?? 'running';
    return (await executions.reopen(row, { temporal_run_id, state })) ? 'reopened' : takeOver(claim);
  }

  /** A continuation goes on where the row is; anything else goes another way from an earlier point. */
  async function isAnotherWay(row: RunRow, { run_id, temporal_run_id, seq }: Claim): Promise<boolean> {
    if (row.ended_at !== null || (seq !== undefined && seq <= row.journal_seq)) return true;
    return temporal.isReset({ run_id, temporal_run_id });
  }

  return {
    /** Called when a run does not take what an execution wants to write. */
    takeOver,
  };
}

export type RunExecutions = ReturnType<typeof runExecutions>;
