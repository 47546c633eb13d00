import type { Metrics } from '../contract/metrics.ts';
import type { JournalFlush, RunEnd, StepRecord } from '../contract/journal.ts';
import type { Json } from '../contract/json.ts';
import { isStored, type FinalState } from '../contract/run.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import type { HashedStep, RunJournalRepository } from '../persistence/run-journal.ts';
import type { RunRepository } from '../persistence/runs.ts';
import type { StepRepository } from '../persistence/steps.ts';
import { contentHash } from './rules/content-hash.ts';
import { snapshotOf, type SnapshotStep } from './rules/run-snapshot.ts';

interface Deps {
  journal: RunJournalRepository;
  steps: Pick<StepRepository, 'marks'>;
  runs: Pick<RunRepository, 'findAny'>;
  metrics: Pick<Metrics, 'runEnded'>;
  ids: () => string;
  clock: () => Date;
}

/** Writes what a run's workflow noted. Every function may be called again with the same argument. */
export function runRecorder({ journal, steps, runs, metrics, ids, clock }: Deps) {
  return {
    /** One statement. */
    async flush(flush: JournalFlush): Promise<void> {
      await journal.flush(flush, stepsOf(flush));
    },

    /**
     * One statement for a run whose steps are all in this flush, otherwise one more to read them. Answers the final
     * state that stands: an end that comes after another one (a signal that made the workflow think again) changes nothing.
     */
    async end(end: RunEnd): Promise<FinalState> {
      const written = stepsOf(end);
      const earlier = end.complete ? [] : await steps.marks(end.run_id, end.epoch);
      const change = end.entries.findLast((entry) => entry.change)?.change;
      const state = change?.to as FinalState;
      const output = await outputOf(end);
      const snapshot = snapshotOf({ end, state, output_hash: output.hash, steps: merge(earlier, written) });
      const content = Buffer.from(canonicalJson(snapshot));
      const applied = await journal.end(end, written, {
        state,
        output: output.text,
        output_ref: output.ref,
        error: end.outcome.error ? JSON.stringify(end.outcome.error) : null,
        reason: change?.reason ?? null,
        snapshot: { artifact_id: ids(), cas_id: contentHash(content), content },
      });
      if (!applied) return ((await runs.findAny(end.run_id))?.state ?? state) as FinalState;
      metrics.runEnded(end.type, state, (clock().getTime() - Date.parse(end.run.created_at)) / 1_000);
      return state;
    },
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
