import type { Definition } from '../../contract/definition.ts';
import type { JsonObject } from '../../contract/json.ts';
import { compilePlan } from '../../language/plan.ts';
import type { BackTestRepository, EndedStepRow } from '../../persistence/back-tests.ts';
import type { RunRow } from '../../persistence/runs.ts';
import type { RecordedRun, RecordedStep, Version } from './recorded.ts';

export interface LoadDeps {
  rows: Pick<BackTestRepository, 'steps' | 'tunes'>;
  readPinned: (version_hash: string) => Promise<Definition>;
  /** The manifest of a run. */
  manifest: (project_id: string, artifact_id: string) => Promise<JsonObject>;
}

export interface LoadedRun {
  then: Version;
  run: RecordedRun;
  /** What its rows weigh. */
  bytes: number;
}

/** Brings what runs have on record. Throws what reading a version does. */
export function runLoader({ rows, readPinned, manifest }: LoadDeps) {
  async function paramsOf(row: RunRow, tunes: readonly JsonObject[]): Promise<RecordedRun['params']> {
    if (tunes.length === 0 || row.manifest_id === null) return [row.params];
    const first = (await manifest(row.project_id, row.manifest_id)).params as JsonObject;
    let params = first;
    const later = tunes.map((set) => (params = { ...params, ...set }));
    return [first, ...later];
  }

  return async (row: RunRow): Promise<LoadedRun> => {
    const definition = await readPinned(row.version_hash!);
    const steps = await rows.steps(row.id);
    const tunes = (await rows.tunes(row.id)).map(({ payload }) => payload);
    const { id, project_id, created_at } = row;
    const facts = { id, workflow: row.workflow!, project_id, created_at: created_at.toISOString() };
    const run: RecordedRun = {
      facts,
      state: row.state as RecordedRun['state'],
      error: row.error,
      input: row.input_ref === null ? { value: row.input } : { ref: row.input_ref },
      output: row.output_ref === null ? { value: row.output ?? null } : { ref: row.output_ref },
      params: await paramsOf(
        row,
        tunes.flatMap(({ params }) => (params === undefined ? [] : [params as JsonObject])),
      ),
      tuned_nodes: tunes.flatMap(({ nodes }) => Object.keys(nodes ?? {})),
      created_at_ms: created_at.getTime(),
      steps: Object.fromEntries(steps.map((step) => [step.node, recorded(step)])),
    };
    const bytes = steps.reduce((sum, { output_bytes }) => sum + output_bytes, 0);
    return { then: versionOf(definition, row.version_hash!), run, bytes };
  };
}

export const versionOf = (definition: Definition, version_hash: string): Version => ({
  definition,
  plan: compilePlan(definition, version_hash),
});

function recorded(row: EndedStepRow): RecordedStep {
  const { state, output, output_ref, error, cause, attempt, started_at, ended_at } = row;
  return {
    state,
    output: output_ref === null ? { value: output ?? null } : { ref: output_ref },
    error,
    cause,
    attempt,
    started_at_ms: started_at?.getTime() ?? null,
    ended_at_ms: ended_at?.getTime() ?? null,
  };
}
