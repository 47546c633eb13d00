import type { RunEnd } from '../../contract/journal.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { FinalState, StepState } from '../../contract/run.ts';
import { canonicalJson } from '../../language/canonical-json.ts';
import { contentHash } from './content-hash.ts';

export interface SnapshotStep {
  node: string;
  item: number;
  attempt: number;
  state: StepState;
  output_hash: string | null;
}

interface SnapshotFacts {
  end: Pick<RunEnd, 'run_id' | 'version_hash' | 'outcome'> & { run: { workflow: string } };
  state: FinalState;
  output_hash: string | null;
  steps: SnapshotStep[];
}

/** A snapshot as it is stored: its bytes, and their hash. */
export function storedSnapshot(facts: SnapshotFacts): { cas_id: string; content: Buffer } {
  const content = Buffer.from(canonicalJson(snapshotOf(facts)));
  return { cas_id: contentHash(content), content };
}

/**
 * The `run_snapshot`: the definition by hash, every step's result by hash, and the outcome (contract §4). It holds no
 * values, so it can be kept, compared and exported without what the run worked on.
 */
export function snapshotOf(facts: SnapshotFacts): JsonObject {
  const { end, state, output_hash } = facts;
  const steps = facts.steps
    .map(({ node, item, attempt, state, output_hash }) => ({ node, item, attempt, state, output_hash }))
    .sort((a, b) => (a.node === b.node ? a.item - b.item : a.node < b.node ? -1 : 1));
  return {
    schema_version: 1,
    run_id: end.run_id,
    workflow: end.run.workflow,
    // The hash of a materialised definition is also the name of its blob.
    definition: end.version_hash,
    steps: steps,
    outcome: { state, output_hash, error: end.outcome.error ? { ...end.outcome.error } : null },
  };
}
