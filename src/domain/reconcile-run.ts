import type { TemporalExecutions } from '../clients/temporal-executions.ts';
import type { RepairKind } from '../contract/maintenance.ts';
import type { RunEnd } from '../contract/journal.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { hashText } from '../language/content-hash.ts';
import type { CommandRepository } from '../persistence/commands.ts';
import type { ReconcileRepository } from '../persistence/reconcile.ts';
import type { SentFlush } from '../persistence/run-journal.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import { lost, orphaned, projectionOf, type Projection } from './rules/run-closing.ts';
import { acceptedIn } from './rules/run-command.ts';
import type { RunRecorder } from './run-record.ts';

/** Something that is not as it should be, and how it is put right, if that is ours to do. */
export interface Difference {
  kind: RepairKind;
  run_id: string;
  detail: string;
  /** False when it was not, or no longer, so. */
  repair?: () => Promise<boolean>;
}

export interface ExamineDeps {
  rows: Pick<ReconcileRepository, 'unstarted' | 'requeueStart'>;
  runs: Pick<RunRepository, 'findAny'>;
  commands: Pick<CommandRepository, 'insert'>;
  temporal: Pick<TemporalExecutions, 'describe' | 'closing'>;
  recorder: Pick<RunRecorder, 'writeEnd'>;
  ids: () => string;
  clock: () => Date;
}

/** A closer look at one open run. The row is read before Temporal is asked: what is newer than it is not undone. */
export async function examineRun(
  deps: ExamineDeps,
  run_id: string,
  is_orphaned: boolean,
): Promise<Difference | undefined> {
  const row = await deps.runs.findAny(run_id);
  if (!row || row.ended_at !== null) return undefined;
  const execution = await deps.temporal.describe(run_id);
  if (!execution) return withoutExecution(deps, row, is_orphaned);
  const { temporal_run_id, closed_as } = execution;
  if (!closed_as) return is_orphaned ? cancelling(deps, row) : undefined;
  const closing = await deps.temporal.closing({ run_id, temporal_run_id });
  return ending(deps, row, 'ended_in_temporal', projectionOf(row.state, closed_as, closing));
}

async function withoutExecution(
  deps: ExamineDeps,
  row: RunRow,
  is_orphaned: boolean,
): Promise<Difference | undefined> {
  if (is_orphaned) return ending(deps, row, 'orphaned', orphaned());
  const found = await deps.rows.unstarted(row.id);
  if (!found || found.somebody_starts_it) return undefined;
  if (found.state === null) return ending(deps, row, 'execution_lost', lost());
  return {
    kind: 'start_lost',
    run_id: row.id,
    detail: 'It was accepted, and nothing would have started it.',
    repair: () => deps.rows.requeueStart(row.id, deps.ids()),
  };
}

function ending(deps: ExamineDeps, row: RunRow, kind: RepairKind, projection: Projection): Difference {
  return {
    kind,
    run_id: row.id,
    detail: `It is ${projection.state}: ${projection.reason}`,
    repair: () => deps.recorder.writeEnd(endOf(row, projection, deps.clock())),
  };
}

/** The end of a run as its workflow would have noted it; dropped when the workflow has noted anything since. */
function endOf(row: RunRow, { state, reason, error }: Projection, now: Date): RunEnd & SentFlush {
  const { id, epoch, project_id, version_hash, created_at, progress_done: done, progress_total: total } = row;
  const workflow = row.workflow ?? '';
  const was_stored = state === 'completed' && row.output_ref !== null;
  return {
    run_id: id,
    epoch,
    seq: row.journal_seq + 1,
    temporal_run_id: row.temporal_run_id,
    entries: [
      {
        event: `run.${state}`,
        at_ms: now.getTime(),
        data: { projected: true, reason, ...(error ? { error: { ...error } } : {}) },
        change: { from: row.state, to: state, actor: 'temporal', reason },
      },
    ],
    done,
    total,
    in_flight: 0,
    current_step: null,
    run: { id, workflow, project_id, created_at: created_at.toISOString() },
    type: row.type,
    version_hash: version_hash ?? '',
    outcome: { output: was_stored ? { stored: true } : { value: null }, error },
    complete: false,
  };
}

/** What was above it should have taken it along. */
function cancelling({ commands, ids, clock }: ExamineDeps, row: RunRow): Difference {
  const { reason } = orphaned();
  const type = 'cancel';
  const command = {
    project_id: row.project_id,
    run_id: row.id,
    id: `orphaned:${row.parent_run_id}`,
    type,
    payload: {},
    payload_hash: hashText(canonicalJson({ type, payload: {}, reason })),
    issued_by: 'engine',
    reason,
    outbox_id: ids(),
    accepted_in: acceptedIn(type, false),
    sweep_after: clock(),
  } as const;
  const repair = async () => (await commands.insert(command)) !== undefined;
  return { kind: 'orphaned', run_id: row.id, detail: `${reason} It is told to cancel.`, repair };
}
