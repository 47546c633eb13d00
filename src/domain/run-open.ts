import { AppError } from '../contract/errors.ts';
import type { Definition } from '../contract/definition.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { RunType } from '../contract/run.ts';
import type { SandboxReport } from '../contract/sandbox.ts';
import type { NewRun, RunExtras, RunRepository, RunRow } from '../persistence/runs.ts';
import type { BlobService } from './blobs.ts';
import { encodeJson } from './blobs-encode.ts';
import type { BuiltinVersions } from './builtins/versions.ts';
import type { PlanOf } from './plans.ts';
import type { ProjectSettingsService } from './project-settings.ts';
import type { RefService, Resolved } from './refs.ts';
import type { RunAcceptance } from './run-accept.ts';
import { gatesOf } from './rules/flow.ts';
import { namesIn } from './rules/gc-names.ts';
import { isChild, quotasOf, type Quota, type Quotas } from './rules/quotas.ts';
import { schemaProblemsAt } from './rules/json-schema-problems.ts';
import { liveTagAmong } from './rules/live-tag.ts';
import { manifestOf, type TagPosition } from './rules/run-manifest.ts';
import { requireSandboxFor } from './rules/sandbox-fit.ts';
import { overrideProblems, sizeProblems } from './rules/tune.ts';

export interface OpenRun {
  project_id: string;
  /** Tag name, workflow id or version hash; null for the product's own workflow of the type. */
  workflow: string | null;
  /** `dag` when left out. */
  type?: RunType;
  /** Itself, or what the definition that is resolved says. */
  input: Json | ((definition: Definition) => Json);
  params: JsonObject;
  /** Laid over all params, and kept apart in the manifest. */
  overrides?: JsonObject;
  /** The workflow this is a run of, where the reference alone does not say. */
  workflow_name?: string;
  labels: Record<string, string>;
  priority: number;
  actor: string;
  /** Chosen by one who may have to ask again; otherwise a new one. */
  id?: string;
  more?: RunExtras;
  /** Steps of another run that count as this one's. */
  reuse?: NewRun['reuse'];
  /** Counts as a run of the live tag, whatever the reference says. */
  is_live?: boolean;
  /** Whether limits hold it back; without it, unless whoever opens it starts it. */
  may_wait?: boolean;
}

interface Deps {
  runs: Pick<RunRepository, 'insert'>;
  /** Takes the place of `runs.insert` for a run that may have to wait, or may be one too many. */
  accept: RunAcceptance;
  refs: Pick<RefService, 'resolve'>;
  builtins: BuiltinVersions;
  settings: Pick<ProjectSettingsService, 'known'>;
  /** What each principal may have, over all projects. */
  principal_quota: Quota;
  tagPositions: (project_id: string, workflow: string) => Promise<TagPosition[]>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  planOf: PlanOf;
  blobs: Pick<BlobService, 'put'>;
  /** What the code agent of this installation can run; null when agents are elsewhere. */
  sandbox: () => SandboxReport | null;
  inline_bytes: number;
  /** What an input may weigh. */
  input_bytes: number;
  ids: () => string;
  clock: () => Date;
}

type Insert = RunRepository['insert'];

export type RunOpener = ReturnType<typeof runOpener>;

/** How every run comes to be: a start, a child, a schedule, a fork. */
export function runOpener(deps: Deps) {
  const { ids, clock } = deps;

  /**
   * Accepts a run: its tag is resolved once, input and params are checked, and the run is committed, with the outbox
   * item that starts it unless `start` is null. Three statements. A run of the live tag of a definition with limits is
   * started by its admission instead, and may be another one that is there already. Errors: `not_found`,
   * `validation_failed` for neither workflow nor type; `blob_collected`, `input_invalid`, `payload_too_large`, `sandbox_unavailable`; `expression_error`, `run_exists`, `limit_reached`, `quota_exceeded`.
   */
  return async (request: OpenRun, start: (now: Date) => NewRun['start']): Promise<RunRow> => {
    const { project_id, params: given, type = 'dag' } = request;
    const resolved = await resolve(request, type);
    const definition = await deps.readDefinition(resolved.version_hash);
    // What runs outside needs nothing here, and has no steps.
    const is_external = request.more?.executor === 'external';
    if (!is_external) requireSandboxFor(definition, deps.sandbox());
    const { plan } = await deps.planOf(resolved.version_hash);
    // A hash that no tag leads to still has the name its document gives it.
    const workflow = request.workflow_name ?? resolved.workflow ?? definition.name;
    const tags = request.workflow === null ? [] : await deps.tagPositions(project_id, workflow);
    const params = { ...definition.params, ...given, ...request.overrides };
    const input = typeof request.input === 'function' ? request.input(definition) : request.input;
    checkValues(definition, { ...request, input }, params);
    const id = request.id ?? ids();
    const created_at = clock();
    const pinned = { ...resolved, workflow };
    const requested_ref = request.workflow ?? type;
    const requested = { ...request, workflow: requested_ref };
    const facts = { run_id: id, request: requested, resolved: pinned, tags, params, created_at };
    const { cas_id, bytes: content } = encodeJson(manifestOf(facts));
    const begin = start(created_at);
    const may_wait = (request.may_wait ?? begin !== null) && (request.is_live ?? isLive(pinned, tags));
    const run = { id, workflow, project_id, created_at };
    const gates = may_wait ? gatesOf(definition, { input, params, run }) : undefined;
    const quotas = await quotasFor(request);
    const insert = (row: NewRun) =>
      gates || quotas ? deps.accept(row, { gates, quotas }) : deps.runs.insert(row);
    const row: NewRun = {
      id,
      project_id,
      type,
      workflow,
      requested_ref,
      artifact_id: resolved.artifact_id,
      version_hash: resolved.version_hash,
      ...(await heldInput(project_id, input)),
      params,
      progress_total: is_external ? 0 : plan.order.length,
      labels: request.labels,
      priority: request.priority,
      created_by: request.actor,
      created_at,
      names: namesIn(JSON.stringify([input, params])),
      manifest: { artifact_id: ids(), cas_id, content },
      start: gates ? null : begin,
      reuse: request.reuse,
      more: { ...request.more, ...gates?.columns },
    };
    return (await insert(row)) ?? insertAgain(row, input, insert);
  };

  async function quotasFor(request: OpenRun): Promise<Quotas | undefined> {
    if (isChild(request.more)) return undefined;
    return quotasOf(request, await deps.settings.known(request.project_id), deps.principal_quota);
  }

  function resolve({ project_id, workflow, input }: OpenRun, type: RunType): Promise<Resolved> {
    if (workflow !== null) return deps.refs.resolve(project_id, workflow);
    if (type === 'dag')
      throw new AppError('validation_failed', { detail: 'A run of the type dag is one of a workflow.' });
    return deps.builtins.resolve(project_id, type, typeof input === 'function' ? null : input);
  }

  /** The stored input may have been collected before the run was there to need it; a version that is gone stays so. */
  async function insertAgain(row: NewRun, input: Json, insert: Insert): Promise<RunRow> {
    const inserted = await insert({ ...row, ...(await heldInput(row.project_id, input)) });
    if (inserted) return inserted;
    throw new AppError('blob_collected', { detail: 'The version this leads to was collected.' });
  }

  /** Inputs above the inline limit are kept as a blob; the row and Temporal hold the reference. */
  async function heldInput(
    project_id: string,
    input: Json,
  ): Promise<{ input: Json; input_ref: string | null }> {
    const text = JSON.stringify(input);
    const bytes = Buffer.byteLength(text);
    if (bytes > deps.input_bytes)
      throw new AppError('payload_too_large', {
        detail: `An input has at most ${deps.input_bytes} bytes, not ${bytes}.`,
      });
    if (bytes <= deps.inline_bytes) return { input, input_ref: null };
    const { cas_id } = await deps.blobs.put(project_id, Buffer.from(text), {
      media_type: 'application/json',
    });
    return { input: null, input_ref: cas_id };
  }
}

/** Limits are those of the live tag, and so are the runs they hold back. */
function isLive({ tag, workflow }: { tag?: string; workflow: string }, tags: TagPosition[]): boolean {
  const names = tags.map(({ name }) => name);
  return tag !== undefined && tag === liveTagAmong(workflow, names);
}

type Values = Pick<OpenRun, 'overrides'> & { input: Json };

/** Input and params against their schemas, every problem at once. */
function checkValues(definition: Definition, given: Values, params: JsonObject): void {
  const { input, overrides } = given;
  const { input_schema, params_schema: schema } = definition;
  const problems = [
    ...schemaProblemsAt(input_schema, input, '/input'),
    ...(overrides
      ? overrideProblems({ schema, current: params, changes: overrides, at: '/overrides' })
      : [...sizeProblems(params, '/params'), ...schemaProblemsAt(schema, params, '/params')]),
  ];
  if (problems.length > 0) throw new AppError('input_invalid', { errors: problems });
}
