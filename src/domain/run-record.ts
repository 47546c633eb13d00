import { AppError } from '../contract/errors.ts';
import type { Metrics } from '../contract/metrics.ts';
import type { JournalFlush, RunEnd, StepRecord } from '../contract/journal.ts';
import type { Json } from '../contract/json.ts';
import { isStored, type FinalState } from '../contract/run.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import type { FlowKeys, HashedStep, RunJournalRepository, SentFlush } from '../persistence/run-journal.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { StepRepository } from '../persistence/steps.ts';
import { contentHash } from './rules/content-hash.ts';
import { isGated } from './rules/flow.ts';
import { entryKey, isRetelling, mayBeTold, untold } from './rules/retelling.ts';
import { continuedFrom, forbiddenChange } from './rules/run-transition.ts';
import type { RunAdmission } from './run-admission.ts';
import type { RunExecutions } from './run-executions.ts';
import { storedSnapshot, type SnapshotStep } from './rules/run-snapshot.ts';

interface Deps {
  journal: RunJournalRepository;
  steps: Pick<StepRepository, 'marks'>;
  runs: Pick<RunRepository, 'findAny'>;
  executions: RunExecutions;
  /** Lets in who waited for the end of a run. */
  admission: Pick<RunAdmission, 'admitSoon'>;
  metrics: Pick<Metrics, 'runEnded'>;
  /** Told of a run whose row was not in the state its workflow came from. */
  onMismatch: (about: { run_id: string; row: string; workflow: string }) => void;
  ids: () => string;
  clock: () => Date;
}

type Write = (flush: SentFlush, journal: RunJournalRepository) => Promise<boolean>;

/**
 * Writes what a run's workflow noted. Every function may be called again with the same argument. A change of state that
 * the table of transitions does not have is refused (`transition_forbidden`): the workflow waits until its code is mended.
 */
export function runRecorder(deps: Deps) {
  const { journal, steps, runs, executions, admission, metrics, ids, clock } = deps;

  /** False when it was written before, when the run has ended, or when the execution has been replaced by another. */
  async function written(flush: SentFlush, write: Write): Promise<boolean> {
    refuseForbidden(flush);
    return (
      (await write(flush, journal)) ||
      (await runs.findAny(flush.run_id).then((row) => writeInto(row, flush, write)))
    );
  }

  /** The statement did not apply: the row tells why, and whether it will now. */
  async function writeInto(row: RunRow | undefined, flush: SentFlush, write: Write): Promise<boolean> {
    const { run_id, seq, temporal_run_id } = flush;
    const [first] = flush.entries.flatMap(({ change }) => change ?? []);
    if (!row) return false;
    if (temporal_run_id !== null && row.temporal_run_id !== null && row.temporal_run_id !== temporal_run_id) {
      const standing = await executions.takeOver({ run_id, temporal_run_id, state: first?.from, seq });
      return standing !== 'over' && written(flush, write);
    }
    if (row.ended_at !== null) return false;
    if (isRetelling(row, flush) || mayBeTold(row, flush)) return retell(flush, write);
    if (!first || seq <= row.journal_seq || row.state === first.from) return false;
    deps.onMismatch({ run_id, row: row.state, workflow: first.from });
    const mended = { ...flush, entries: continuedFrom(row.state, flush.entries) };
    refuseForbidden(mended);
    return write(mended, journal);
  }

  /**
   * A workflow task was done again: of what it notes, only what was not written the first time is written. Whoever did it
   * first may still be writing, and waits meanwhile.
   */
  function retell(flush: SentFlush, write: Write): Promise<boolean> {
    const keys = flush.entries.flatMap((entry) => entryKey(entry) ?? []);
    return journal.locked(flush.run_id, async (locked, row) => {
      if (!row || row.ended_at !== null) return false;
      const is_again = isRetelling(row, flush);
      if (!is_again && !mayBeTold(row, flush)) return false;
      // Where it is says nothing when another story has been told since.
      const arrives_at = (flush.history_length ?? 0) >= row.journal_history ? flush.state : undefined;
      const known = { told: await locked.told(row.id, keys), state: row.state, is_again, arrives_at };
      return write({ ...flush, entries: untold(flush.entries, known), retells: true }, locked);
    });
  }

  /**
   * One statement for a run whose steps are all in this flush, otherwise one more to read them. False as for any other
   * flush.
   */
  async function writeEnd(end: RunEnd & SentFlush): Promise<boolean> {
    const earlier = end.complete ? [] : await steps.marks(end.run_id);
    const change = end.entries.findLast((entry) => entry.change)?.change;
    const state = change?.to as FinalState;
    const output = await outputOf(end);
    const noted = stepsOf(end);
    const snapshot = storedSnapshot({ end, state, output_hash: output.hash, steps: merge(earlier, noted) });
    const row = {
      state,
      output: output.text,
      output_ref: output.ref,
      error: end.outcome.error ? JSON.stringify(end.outcome.error) : null,
      reason: change?.reason ?? null,
      snapshot: { artifact_id: ids(), ...snapshot },
    };
    let freed: FlowKeys | undefined;
    const write: Write = async (flush, journal) => {
      // What is told again may be less.
      freed = await journal.end(flush, flush === end ? noted : stepsOf(flush), row);
      return freed !== undefined;
    };
    if (!(await written(end, write))) return false;
    if (freed && isGated(freed)) admission.admitSoon(freed);
    metrics.runEnded(end.type, state, (clock().getTime() - Date.parse(end.run.created_at)) / 1_000);
    return true;
  }

  return {
    /** One statement. Answers the final state of a run that this execution has ended already. */
    async flush(flush: JournalFlush, temporal_run_id: string): Promise<FinalState | undefined> {
      const write: Write = (sent, journal) => journal.flush(sent, stepsOf(sent));
      if (await written({ ...flush, temporal_run_id }, write)) return undefined;
      const row = await runs.findAny(flush.run_id);
      const is_over = row && row.ended_at !== null && row.temporal_run_id === temporal_run_id;
      return is_over ? (row.state as FinalState) : undefined;
    },

    /**
     * Answers the final state that stands: an end that comes after another one (a signal that made the workflow think
     * again) changes nothing.
     */
    async end(end: RunEnd, temporal_run_id: string): Promise<FinalState> {
      const state = end.entries.findLast((entry) => entry.change)?.change?.to;
      if (await writeEnd({ ...end, temporal_run_id })) return state as FinalState;
      return ((await runs.findAny(end.run_id))?.state ?? state) as FinalState;
    },

    writeEnd,
  };

  /** A stored output was put into the row by `evaluateOutput`; an inline one comes with the end. */
  async function outputOf(
    end: RunEnd,
  ): Promise<{ text: string | null; ref: string | null; hash: string | null }> {
    const { output } = end.outcome;
    if (!isStored(output)) {
      return {
        text: JSON.stringify(output.value),
        ref: null,
        hash: contentHash(canonicalJson(output.value)),
      };
    }
    const row = await runs.findAny(end.run_id);
    return { text: null, ref: row?.output_ref ?? null, hash: row?.output_ref ?? null };
  }
}

export type RunRecorder = ReturnType<typeof runRecorder>;

function refuseForbidden({ run_id, entries }: SentFlush): void {
  const refused = forbiddenChange(entries);
  if (!refused) return;
  const about = `run ${run_id} may not go from ${refused.from} to ${refused.to}`;
  throw new AppError('transition_forbidden', { cause: new Error(about) });
}

/** The last word on each step of a flush; the moment it began is the first one's. */
function stepsOf(flush: JournalFlush): HashedStep[] {
  const byKey = new Map<string, StepRecord>();
  for (const { step } of flush.entries) {
    if (!step) continue;
    const key = `${step.node}#${step.item}#${step.attempt}`;
    const earlier = byKey.get(key);
    byKey.set(key, earlier ? { ...step, started_at_ms: earlier.started_at_ms } : step);
  }
  return [...byKey.values()].map((step) => ({ ...step, output_hash: hashOf(step.output) }));
}

function hashOf(output: Json | undefined): string | null {
  return output === undefined ? null : contentHash(canonicalJson(output));
}

function merge(earlier: SnapshotStep[], written: HashedStep[]): SnapshotStep[] {
  const byNode = new Map<string, SnapshotStep>();
  for (const step of [...earlier, ...written]) byNode.set(`${step.node}#${step.item}`, step);
  return [...byNode.values()];
}
