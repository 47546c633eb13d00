import type { Json, JsonObject } from '../contract/json.ts';
import type { Roots } from '../contract/plan.ts';
import type { HeldValue, ItemSource, RunFacts, TaskScope } from '../contract/run.ts';
import { AppError } from '../contract/errors.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { boundedCache } from '../language/bounded-cache.ts';
import type { Scope } from '../language/expression.ts';
import type { RunRepository } from '../persistence/runs.ts';
import type { StepRepository, StepValue } from '../persistence/steps.ts';
import type { BlobService } from './blobs.ts';
import { contentHash } from './rules/content-hash.ts';

interface Deps {
  runs: Pick<RunRepository, 'findAny'>;
  steps: Pick<StepRepository, 'values' | 'input'>;
  blobs: Pick<BlobService, 'put' | 'get'>;
  /** Above this a value is kept as a blob (contract §1: 32 KiB). */
  inline_bytes: number;
}

/** A value as its row keeps it. */
export interface KeptValue {
  output: Json | undefined;
  output_ref: string | null;
  output_hash: string;
}

export interface ScopeRequest {
  run: RunFacts;
  /** Inside a map. */
  item_source?: ItemSource;
  now_ms: number;
}

/** Lists of maps that were read last: the items of one map ask for the same again and again. */
const LISTS_KEPT = 8;

/** Values of a run between their rows and the expressions that read them. */
export function runValues({ runs, steps, blobs, inline_bytes }: Deps) {
  const lists = boundedCache<Json[]>(LISTS_KEPT);

  /** A value as its row keeps it. */
  async function jsonOf(project_id: string, inline: Json, ref: string | null): Promise<Json> {
    if (ref === null) return inline;
    const { bytes } = await blobs.get(project_id, ref);
    return JSON.parse(bytes.toString('utf8')) as Json;
  }

  async function stepValue(project_id: string, row: StepValue): Promise<Json> {
    const output = await jsonOf(project_id, row.output ?? null, row.output_ref);
    return { state: row.state, output, error: row.error as Json };
  }

  /** The element of a list the map's step keeps. */
  async function itemOf(
    { run }: ScopeRequest,
    { node, index }: { node: string; index: number },
  ): Promise<Json> {
    const ref = await steps.input(run.id, node);
    if (ref === null) throw new AppError('not_found', { detail: `The step ${node} keeps no list.` });
    const list = lists.get(ref) ?? ((await jsonOf(run.project_id, null, ref)) as Json[]);
    lists.set(ref, list);
    return list[index] ?? null;
  }

  async function storedScope(request: ScopeRequest, roots: Roots): Promise<Scope> {
    const { run, item_source, now_ms } = request;
    const row = await runs.findAny(run.id);
    if (!row) throw new AppError('not_found');
    const input = roots.input ? await jsonOf(run.project_id, row.input, row.input_ref) : null;
    const rows =
      roots.steps.length > 0
        ? await steps.values(run.id, roots.steps.includes('*') ? 'all' : roots.steps)
        : [];
    const values = await Promise.all(
      rows.map(async (r) => [r.node, await stepValue(run.project_id, r)] as const),
    );
    const scope: Scope = {
      input,
      params: row.params,
      steps: Object.fromEntries(values),
      run: run as unknown as JsonObject,
      now_ms,
    };
    if (!roots.item || !item_source) return scope;
    const item = 'value' in item_source ? item_source.value : await itemOf(request, item_source);
    return { ...scope, item };
  }

  return {
    /** Keeps a value inline while it is small, otherwise as a blob of the run's project. */
    async keep(project_id: string, value: Json): Promise<KeptValue> {
      const text = canonicalJson(value);
      const output_hash = contentHash(text);
      if (Buffer.byteLength(text) <= inline_bytes) return { output: value, output_ref: null, output_hash };
      const { cas_id } = await blobs.put(project_id, Buffer.from(text), { media_type: 'application/json' });
      return { output: undefined, output_ref: cas_id, output_hash };
    },

    /** What a config is evaluated in: what came with the task, or what the database has. */
    async scopeOf(request: ScopeRequest, scope: TaskScope, roots: Roots): Promise<Scope> {
      if (scope.kind === 'stored') return storedScope({ ...request, item_source: scope.item }, roots);
      const { input, params, steps: named, item } = scope;
      return {
        item,
        input,
        params,
        steps: named as unknown as JsonObject,
        run: request.run as unknown as JsonObject,
        now_ms: request.now_ms,
      };
    },

    storedScope,
    valueOf: jsonOf,
  };
}

export type RunValues = ReturnType<typeof runValues>;

export function heldValue(kept: Pick<KeptValue, 'output' | 'output_ref'>): HeldValue {
  return kept.output_ref === null ? { value: kept.output ?? null } : { stored: true };
}
