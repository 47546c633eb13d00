/**
 * The workflow definition document (schema_version 1), exactly as a caller sends it.
 * Types only describe a document that passed `validateDefinition`; nothing here fills in defaults.
 */
import type { Json, JsonObject } from './json.ts';
import type { CodeLanguage, SandboxLimits } from './sandbox.ts';

/** Every node type of schema_version 1. */
export const NODE_TYPES = ['code', 'http', 'transform', 'wait', 'approval', 'map', 'run', 'agent'] as const;
export type NodeType = (typeof NODE_TYPES)[number];
/** With the one that only workflows of the product's own have. */
export type AnyNodeType = NodeType | 'builtin';

export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

/** The limits a definition is checked against. */
export const DEFINITION_LIMITS = {
  nodes: 500,
  depth: 64,
  bytes: 1_048_576,
  node_id_chars: 64,
  expression_chars: 16_384,
} as const;

/** A string `${{ … }}`: where one may stand, the type of the value is checked when it is evaluated. */
export type Expression = string;

export interface Definition {
  schema_version: 1;
  name: string;
  description?: string;
  /** JSON Schema 2020-12 of a run's input. */
  input_schema?: JsonObject | boolean;
  params?: JsonObject;
  /** JSON Schema 2020-12 of `params`; bounds what tune may set. */
  params_schema?: JsonObject | boolean;
  nodes: Record<string, DefinitionNode>;
  /** Without it a run's output is `{node: output}` of the leaf nodes. */
  output?: Json;
  /** The output is there too when the run failed or was stopped, as far as it can be told. Only workflows of the product's own. */
  output_always?: true;
  files?: Record<string, Json>;
  schedules?: Schedule[];
  triggers?: Trigger[];
  concurrency?: Concurrency;
  rate_limit?: RateLimit;
  start_policy?: StartPolicy;
}

export interface RetryPolicy {
  /** Including the first attempt. */
  max_attempts?: number;
  initial_interval_ms?: number;
  /** Factor from one interval to the next, ≥ 1. */
  backoff?: number;
  max_interval_ms?: number;
  /** Error codes or step causes that are never tried again. */
  non_retryable?: string[];
}

interface NodeCommon {
  needs?: string[];
  if?: Expression;
  retry?: RetryPolicy;
  timeout_seconds?: number;
  continue_on_error?: boolean;
  /** A node (without `needs`) run on failure or cancellation, newest first. */
  compensate?: DefinitionNode;
}

export type DefinitionNode = NodeCommon &
  (
    | { type: 'code'; config: CodeConfig }
    | { type: 'http'; config: HttpConfig }
    | { type: 'transform'; config: TransformConfig }
    | { type: 'wait'; config: WaitConfig }
    | { type: 'approval'; config: ApprovalConfig }
    | { type: 'map'; config: MapConfig }
    | { type: 'run'; config: RunConfig }
    | { type: 'agent'; config: AgentConfig }
    | BuiltinNode
  );

/** A step of a workflow of the product's own: the activity of its name. No document from outside may have one. */
export interface BuiltinNode {
  type: 'builtin';
  config: JsonObject;
  /** The task queue of the agent that is to carry it out; any agent does where that one is lost. */
  queue?: Expression;
  /** Carried out on every path, once what it needs has begun: after a failure, a cancel and a terminate too. */
  finally?: true;
  /** Without a heartbeat for so long it counts as lost. */
  heartbeat_seconds?: number;
}

/** `source` or `file` (a key of `files`), never both. */
export interface CodeConfig {
  language: CodeLanguage;
  source?: string;
  file?: string;
  /** CommonJS unless `esm`. */
  module?: 'commonjs' | 'esm';
  args?: Json[] | Expression;
  env?: Record<string, Json> | Expression;
  stdin?: Json;
  limits?: SandboxLimits;
}

export interface HttpConfig {
  /** An `HttpMethod` or an expression; GET when left out. */
  method?: string;
  url: string;
  headers?: Record<string, Json> | Expression;
  query?: Record<string, Json> | Expression;
  body?: Json;
  /** Status codes that succeed in place of the rule "< 400". */
  expect_status?: number | number[] | Expression;
}

export interface TransformConfig {
  value: Json;
}

export interface WaitConfig {
  duration_seconds?: number | Expression;
  /** RFC 3339. */
  until?: string;
  event?: string;
  timeout_seconds?: number | Expression;
  on_timeout?: 'fail' | 'continue';
}

export interface ApprovalConfig {
  prompt: string;
  /** JSON Schema of the form. */
  form?: JsonObject;
  roles?: string[];
  quorum?: number;
  timeout_seconds?: number;
  on_timeout?: 'approve' | 'reject';
  forbid_self?: boolean;
}

export interface MapConfig {
  items: Json;
  /** The body: a node without `needs`; `item` is the element. */
  node: DefinitionNode;
  max_parallel?: number;
  on_item_error?: 'fail' | 'continue';
}

export interface RunConfig {
  workflow?: string;
  type?: string;
  input?: Json;
  params?: Json;
}

export interface AgentConfig {
  capability: string;
  task: Json;
  timeout_seconds?: number;
}

export interface Schedule {
  cron: string;
  time_zone?: string;
  input?: Json;
  overlap?: 'skip' | 'buffer_one' | 'buffer_all' | 'cancel_other' | 'terminate_other' | 'allow_all';
  catch_up_seconds?: number;
}

export interface Trigger {
  name: string;
  secret_ref?: string;
}

export interface Concurrency {
  /** Text, usually with an expression over `input`. */
  key?: string;
  limit: number;
  on_limit?: 'queue' | 'reject' | 'cancel_oldest';
}

export interface RateLimit {
  key?: string;
  per_second: number;
}

/** What a start does when a run with the same business id is still going. */
export interface StartPolicy {
  id?: string;
  on_conflict?: 'fail' | 'use_existing' | 'terminate_existing';
}
