import { AppError } from '../contract/errors.ts';
import type { Definition } from '../contract/definition.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { isFinal } from '../contract/run.ts';
import type { SandboxReport } from '../contract/sandbox.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import type { Metrics } from '../contract/metrics.ts';
import type { NewRun, RunFilter, RunPosition, RunRepository, RunRow } from '../persistence/runs.ts';
import type { BlobService } from './blobs.ts';
import type { PlanOf } from './plans.ts';
import type { RefService } from './refs.ts';
import { schemaProblemsAt } from './rules/json-schema-problems.ts';
import { SWEEP_AFTER_MS, type RunDispatch } from './run-dispatch.ts';
import type { RunFeed } from './run-feed.ts';
import { namesIn } from './rules/gc-names.ts';
import { requireSandboxFor } from './rules/sandbox-fit.ts';
import { manifestOf, type TagPosition } from './rules/run-manifest.ts';
import { contentHash } from './rules/content-hash.ts';

export interface StartRun {
  project_id: string;
  /** Tag name, workflow id or version hash. */
  workflow: string;
  input: Json;
  params: JsonObject;
  labels: Record<string, string>;
  priority: number;
  actor: string;
}

interface Deps {
  runs: RunRepository;
  refs: Pick<RefService, 'resolve'>;
  tagPositions: (project_id: string, workflow: string) => Promise<TagPosition[]>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  planOf: PlanOf;
  blobs: Pick<BlobService, 'put'>;
  dispatch: RunDispatch;
  feed: RunFeed;
  metrics: Pick<Metrics, 'runStarted'>;
  /** What the code agent of this installation can run; null when agents are elsewhere. */
  sandbox: () => SandboxReport | null;
  inline_bytes: number;
  ids: () => string;
  clock: () => Date;
}

export function runService(deps: Deps) {
  const { runs, dispatch, feed, ids, clock } = deps;

  async function get(project_id: string, id: string): Promise<RunRow> {
    const row = await runs.find(project_id, id);
    if (!row) throw new AppError('not_found');
    return row;
  }

  return {
    get,

    /**
     * Accepts a run: its tag is resolved once, input and params are checked, and the run is committed with the
     * outbox item that starts it. Three statements. Errors: `not_found`, `blob_collected`, `input_invalid`,
     * `sandbox_unavailable`.
     */
    async start(request: StartRun): Promise<RunRow> {
      const { project_id } = request;
      const resolved = await deps.refs.resolve(project_id, request.workflow);
      const definition = await deps.readDefinition(resolved.version_hash);
      requireSandboxFor(definition, deps.sandbox());
      const { plan } = await deps.planOf(resolved.version_hash);
      // A hash that no tag leads to still has the name its document gives it.
      const workflow = resolved.workflow ?? definition.name;
      const tags = await deps.tagPositions(project_id, workflow);
      const params = { ...definition.params, ...request.params };
      checkValues(definition, request.input, params);
      const id = ids();
      const created_at = clock();
      const manifest = manifestOf({
        run_id: id,
        request,
        resolved: { ...resolved, workflow },
        tags,
        params,
        created_at,
      });
      const content = Buffer.from(canonicalJson(manifest));
      const outbox_id = ids();
      const row = {
        id,
        project_id,
        type: 'dag',
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
        outbox_id,
        sweep_after: new Date(created_at.getTime() + SWEEP_AFTER_MS),
      };
      if (!(await runs.insert(row))) await insertAgain(row, request.input);
      const run = freshRow(row);
      dispatch.startSoon(run, outbox_id);
      deps.metrics.runStarted('dag');
      return run;
    },

    list: (project_id: string, filter: RunFilter, limit: number, after?: RunPosition) =>
      runs.list(project_id, filter, limit, after),

    /** The name of the workflow a reference leads to. Throws `not_found`. */
    async workflowNameOf(project_id: string, ref: string): Promise<string> {
      const { workflow, version_hash } = await deps.refs.resolve(project_id, ref);
      return workflow ?? (await deps.readDefinition(version_hash)).name;
    },

    /** The run once it has ended, or as it is after `seconds`, or when nobody waits any more. */
    async waitFor(
      project_id: string,
      id: string,
      { seconds, signal }: { seconds: number; signal: AbortSignal },
    ): Promise<RunRow> {
      const until = Date.now() + seconds * 1_000;
      let wake = () => {};
      // Only the end is worth another look at the row.
      const stop = feed.follow(id, (ended) => void (ended && wake()));
      try {
        for (;;) {
          const woken = new Promise<void>((resolve) => (wake = resolve));
          const row = await get(project_id, id);
          const left = until - Date.now();
          if (isFinal(row.state) || left <= 0 || signal.aborted) return row;
          await Promise.race([woken, after(left)]);
        }
      } finally {
        stop();
      }
    },
  };

  /** The stored input may have been collected before the run was there to need it; a version that is gone stays so. */
  async function insertAgain(row: NewRun, input: Json): Promise<void> {
    if (await runs.insert({ ...row, ...(await heldInput(row.project_id, input)) })) return;
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

export type RunService = ReturnType<typeof runService>;

/** Input and params against their schemas, every problem at once. */
function checkValues(definition: Definition, input: Json, params: JsonObject): void {
  const problems = [
    ...schemaProblemsAt(definition.input_schema, input, '/input'),
    ...schemaProblemsAt(definition.params_schema, params, '/params'),
  ];
  if (problems.length > 0) throw new AppError('input_invalid', { errors: problems });
}

/** The row as it stands right after the insert, without reading it back. */
function freshRow(row: Parameters<RunRepository['insert']>[0]): RunRow {
  const { manifest, names: _names, outbox_id: _outbox, sweep_after: _sweep, ...rest } = row;
  return {
    ...rest,
    manifest_id: manifest.artifact_id,
    snapshot_id: null,
    executor: 'temporal',
    state: 'queued',
    runtime_status: null,
    health: 'healthy',
    output: null,
    output_ref: null,
    error: null,
    current_step: null,
    progress_done: 0,
    in_flight: 0,
    epoch: 0,
    journal_seq: 0,
    last_event_seq: 1,
    reason: null,
    started_at: null,
    ended_at: null,
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
