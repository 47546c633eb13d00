/**
 * The compiled plan: what the interpreter workflow runs. It is plain JSON (it travels as a Temporal payload) and
 * holds no source of a code node and no http body, only what the workflow itself evaluates: guards, the config of
 * light nodes, `output`.
 */
import type { AnyNodeType } from './definition.ts';
import type { Json, JsonObject } from './json.ts';

export interface Plan {
  version_hash: string;
  name: string;
  nodes: Record<string, PlanNode>;
  /** Node ids in topological order; ties keep the order of the document. */
  order: string[];
  params: JsonObject;
  output?: Template;
  output_roots?: Roots;
  /** Evaluated however the run ends. */
  output_always?: true;
}

/** What is carried out: by a node, for one item of a map, or to undo a node. */
export interface PlanBody {
  type: AnyNodeType;
  retry: PlanRetry;
  timeout_seconds?: number;
  /** The config of a light node, evaluated in the workflow; of a map, its items. */
  config?: Template;
  /** What the config reads. */
  roots: Roots;
  /** Of a step of ours: where it is carried out, if not anywhere, and when it counts as lost. */
  queue?: Template;
  heartbeat_seconds?: number;
}

export interface PlanNode extends PlanBody {
  id: string;
  needs: string[];
  dependents: string[];
  /** CEL source without `${{ }}`. */
  guard?: string;
  guard_roots?: Roots;
  /** `if: ${{ always() }}`: runs whatever became of `needs`. */
  always: boolean;
  continue_on_error: boolean;
  /** Carried out on every path, once what it needs has begun. */
  finally?: true;
  map?: PlanMap;
  compensate?: PlanBody;
}

export interface PlanMap {
  body: PlanBody;
  max_parallel: number;
  /** What an item that failed for good does to the map. */
  on_item_error: 'fail' | 'continue';
}

export interface PlanRetry {
  max_attempts: number;
  initial_interval_ms: number;
  backoff: number;
  max_interval_ms: number;
  non_retryable: string[];
}

/** What an expression reads, so that only that is loaded and converted. */
export interface Roots {
  input: boolean;
  params: boolean;
  run: boolean;
  item: boolean;
  /** Ids of steps, sorted; `['*']` when it cannot be told which. */
  steps: string[];
  /** Names of secrets, sorted. */
  secrets: string[];
}

/** JSON with expressions, compiled: itself plain JSON. */
export type Template =
  | { kind: 'literal'; value: Json }
  /** A whole-string expression: keeps its type. */
  | { kind: 'expression'; source: string }
  /** Expressions inside a text: a string part stands as is, the others are rendered. */
  | { kind: 'text'; parts: (string | { source: string })[] }
  | { kind: 'array'; items: Template[] }
  /** Pairs, not a map: a key named `__proto__` stays data. */
  | { kind: 'object'; entries: [string, Template][] };
