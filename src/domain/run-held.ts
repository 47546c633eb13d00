import type { TemporalRuns } from '../clients/temporal.ts';
import type { Metrics } from '../contract/metrics.ts';
import { isFinal, isUnanswered, type FinalState, type RunState } from '../contract/run.ts';
import type { ChildNews } from '../contract/workflows.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import type { CommandRepository, CommandRow } from '../persistence/commands.ts';
import type { ExternalRunRepository, RunEndRow } from '../persistence/external-runs.ts';
import type { FlowKeys } from '../persistence/run-journal.ts';
import type { RunRow } from '../persistence/runs.ts';
import { decideAck } from './rules/command-ack.ts';
import { contentHash } from './rules/content-hash.ts';
import { storedSnapshot } from './rules/run-snapshot.ts';

interface Deps {
  changes: Pick<ExternalRunRepository, 'change'>;
  commands: Pick<CommandRepository, 'list'>;
  temporal: Pick<TemporalRuns, 'tell'>;
  /** Looks who may go now. */
  admitSoon: (keys: FlowKeys) => void;
  metrics: Pick<Metrics, 'runEnded'>;
  ids: () => string;
  clock: () => Date;
}

/** What a workflow has to hear; everything else is done to the row. */
const FOR_THE_WORKFLOW: ReadonlySet<CommandRow['type']> = new Set<CommandRow['type']>([
  'event',
  'decide',
  'complete',
  'tune',
]);

/** What the run above hears of it. */
const NEWS: Partial<Record<CommandRow['type'], ChildNews['news']>> = {
  pause: 'paused',
  resume: 'resumed',
  cancel: 'ended',
  terminate: 'ended',
};

/**
 * Commands for a run that waits for its turn: there is no execution to tell, so the engine itself is the runtime that
 * acknowledges. Answers false when the command has to wait, or the run has just been admitted. May be called again.
 */
export function heldCommands({ changes, commands, temporal, admitSoon, metrics, ids, clock }: Deps) {
  async function apply(run: RunRow, command: CommandRow): Promise<boolean> {
    if (FOR_THE_WORKFLOW.has(command.type)) return false;
    if (isUnanswered(command) && !(await applied(run, command))) return false;
    const news = NEWS[command.type];
    if (run.parent_run_id !== null && news) await temporal.tell(run.parent_run_id, { run_id: run.id, news });
    if (command.type === 'resume') admitSoon(run);
    return true;
  }

  async function applied(run: RunRow, command: CommandRow): Promise<boolean> {
    const { type } = command;
    const overtook_pause = type === 'resume' && (await overtakePause(run));
    const decision = decideAck('acknowledged', { state: run.state, type, overtook_pause });
    const to = decision.to === 'running' ? 'queued' : (decision.to ?? run.state);
    if (!(await answer(run, command, { state: decision.command, why: decision.reason, to }))) return false;
    if (isFinal(to)) metrics.runEnded(run.type, to, (clock().getTime() - run.created_at.getTime()) / 1_000);
    return true;
  }

  /** A pause that was not applied yet gives way to a resume. */
  async function overtakePause(run: RunRow): Promise<boolean> {
    if (run.state === 'paused') return false;
    const pauses = (await commands.list(run.id)).filter((one) => one.type === 'pause' && isUnanswered(one));
    for (const pause of pauses)
      await answer(run, pause, { state: 'superseded', why: 'Resumed before it was applied.', to: run.state });
    return pauses.length > 0;
  }

  async function answer(run: RunRow, command: CommandRow, { state, why, to }: Answer): Promise<boolean> {
    const { id, type, issued_by: actor, reason } = command;
    return changes.change({
      run_id: run.id,
      from: run.state,
      to,
      actor,
      reason: isFinal(to) ? (reason ?? `${type} requested`) : null,
      command: { id, type, state, reason: why ?? null, applied: null },
      ...(isFinal(to) && { end: endOf(run, to, ids()) }),
    });
  }

  return apply;
}

export type HeldCommands = ReturnType<typeof heldCommands>;

interface Answer {
  state: 'acknowledged' | 'rejected' | 'superseded';
  why?: string;
  to: RunState;
}

/** It ended before any step: the snapshot says so. */
function endOf(run: RunRow, state: FinalState, artifact_id: string): RunEndRow {
  const output_hash = contentHash(canonicalJson(null));
  const { id: run_id, workflow, version_hash } = run;
  const outcome = { output: { value: null }, error: null };
  const end = { run_id, run: { workflow: workflow ?? '' }, version_hash: version_hash ?? '', outcome };
  const snapshot = { artifact_id, ...storedSnapshot({ end, state, output_hash, steps: [] }) };
  return { output: JSON.stringify(null), output_ref: null, error: null, snapshot };
}
