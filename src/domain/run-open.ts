import { AppError } from '../contract/errors.ts';
import type { Definition } from '../contract/definition.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { RunType } from '../contract/run.ts';
import type { SandboxReport } from '../contract/sandbox.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import type { NewRun, RunExtras, RunRepository, RunRow } from '../persistence/runs.ts';
import type { BlobService } from './blobs.ts';
import type { PlanOf } from './plans.ts';
import type { RefService } from './refs.ts';
import { contentHash } from './rules/content-hash.ts';
import { namesIn } from './rules/gc-names.ts';
import { schemaProblemsAt } from './rules/json-schema-problems.ts';
import { manifestOf, type TagPosition } from './rules/run-manifest.ts';
import { requireSandboxFor } from './rules/sandbox-fit.ts';

export interface OpenRun {
  project_id: string;
  /** Tag name, workflow id or version hash. */
  workflow: string;
  input: Json;
  params: JsonObject;
  labels: Record<string, string>;
  priority: number;
  actor: string;
  /** Chosen by one who may have to ask again; otherwise a new one. */
  id?: string;
  more?: RunExtras;
}

interface Deps {
  runs: Pick<RunRepository, 'insert'>;
  refs: Pick<RefService, 'resolve'>;
  tagPositions: (project_id: string, workflow: string) => Promise<TagPosition[]>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  planOf: PlanOf;
  blobs: Pick<BlobService, 'put'>;
  /** What the code agent of this installation can run; null when agents are elsewhere. */
  sandbox: () => SandboxReport | null;
  inline_bytes: number;
  ids: () => string;
  clock: () => Date;
}

export type RunOpener = ReturnType<typeof runOpener>;

/** How every run comes to be: a start, a child, a schedule, a fork. */
export function runOpener(deps: Deps) {
  const { ids, clock } = deps;

  /**
   * Accepts a run: its tag is resolved once, input and params are checked, and the run is committed, with the outbox
   * item that starts it unless `start` is null. Three statements. Errors: `not_found`, `blob_collected`,
   * `input_invalid`, `sandbox_unavailable`.
   */
  return async (request: OpenRun, start: (now: Date) => NewRun['start']): Promise<RunRow> => {
    const { project_id, params: given } = request;
    const resolved = await deps.refs.resolve(project_id, request.workflow);
    const definition = await deps.readDefinition(resolved.version_hash);
    requireSandboxFor(definition, deps.sandbox());
    const { plan } = await deps.planOf(resolved.version_hash);
    // A hash that no tag leads to still has the name its document gives it.
    const workflow = resolved.workflow ?? definition.name;
    const tags = await deps.tagPositions(project_id, workflow);
    const params = { ...definition.params, ...given };
    checkValues(definition, request.input, params);
    const id = request.id ?? ids();
    const created_at = clock();
    const pinned = { ...resolved, workflow };
    const manifest = manifestOf({ run_id: id, request, resolved: pinned, tags, params, created_at });
    const content = Buffer.from(canonicalJson(manifest));
    const type: RunType = 'dag';
    const row: NewRun = {
      id,
      project_id,
      type,
      workflow,
      requested_ref: request.workflow,
      artifact_id: resolved.artifact_id,
      version_hash: resolved.version_hash,
      ...(await heldInput(project_id, request.input)),
      params,
      progress_total: plan.order.length,
      labels: request.labels,
      priority: request.priority,
      created_by: request.actor,
      created_at,
      names: namesIn(JSON.stringify([request.input, params])),
      manifest: { artifact_id: ids(), cas_id: contentHash(content), content },
      start: start(created_at),
      more: request.more ?? {},
    };
    return (await deps.runs.insert(row)) ?? insertAgain(row, request.input);
  };

  /** The stored input may have been collected before the run was there to need it; a version that is gone stays so. */
  async function insertAgain(row: NewRun, input: Json): Promise<RunRow> {
    const inserted = await deps.runs.insert({ ...row, ...(await heldInput(row.project_id, input)) });
    if (inserted) return inserted;
    throw new AppError('blob_collected', { detail: 'The version this leads to was collected.' });
  }

  /** Inputs above the inline limit are kept as a blob; the row and Temporal hold the reference. */
  async function heldInput(
    project_id: string,
    input: Json,
  ): Promise<{ input: Json; input_ref: string | null }> {
    const text = JSON.stringify(input);
    if (Buffer.byteLength(text) <= deps.inline_bytes) return { input, input_ref: null };
    const { cas_id } = await deps.blobs.put(project_id, Buffer.from(text), {
      media_type: 'application/json',
    });
    return { input: null, input_ref: cas_id };
  }
}

/** Input and params against their schemas, every problem at once. */
function checkValues(definition: Definition, input: Json, params: JsonObject): void {
  const problems = [
    ...schemaProblemsAt(definition.input_schema, input, '/input'),
    ...schemaProblemsAt(definition.params_schema, params, '/params'),
  ];
  if (problems.length > 0) throw new AppError('input_invalid', { errors: problems });
}
