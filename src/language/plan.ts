import type {
  BuiltinNode,
  Definition,
  DefinitionNode,
  MapConfig,
  RetryPolicy,
} from '../contract/definition.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { Plan, PlanBody, PlanMap, PlanNode, PlanRetry } from '../contract/plan.ts';
import { compileConfig } from './config.ts';
import { dependentsOf, topologicalOrder } from './graph.ts';
import { wholeExpression } from './placeholders.ts';
import { callsAlways, compileTemplate, rootsOf, templateRoots } from './template.ts';

/** One attempt unless the node says otherwise; what a `retry` leaves out is filled from here. */
export const RETRY_DEFAULTS: Readonly<PlanRetry> = {
  max_attempts: 1,
  initial_interval_ms: 1_000,
  backoff: 2,
  max_interval_ms: 60_000,
  non_retryable: [],
};

/** The types whose config the workflow evaluates itself; of a map, the list. */
const LIGHT = new Set<string>(['transform', 'wait', 'approval', 'map']);

/** Items of a map under way at once, unless the node says otherwise. */
const MAX_PARALLEL = 10;

/**
 * The plan the interpreter runs, from a definition that passed `validateDefinition`. Pure: the same document gives
 * the same plan. Throws `ExpressionError` if the document was not valid after all.
 */
export function compilePlan(definition: Definition, version_hash: string): Plan {
  const dependents = dependentsOf(needsOf(definition));
  const nodes = Object.entries(definition.nodes).map(([id, node]) =>
    planNode(id, node, dependents.get(id) ?? []),
  );
  return {
    version_hash,
    name: definition.name,
    nodes: Object.fromEntries(nodes.map((node) => [node.id, node])),
    order: topologicalOrder(needsOf(definition)),
    params: definition.params ?? {},
    ...outputOf(definition.output),
    ...(definition.output_always ? { output_always: true } : {}),
  };
}

function needsOf(definition: Definition): Map<string, readonly string[]> {
  return new Map(Object.entries(definition.nodes).map(([id, node]) => [id, node.needs ?? []]));
}

function planNode(id: string, node: DefinitionNode, dependents: string[]): PlanNode {
  return {
    id,
    needs: [...new Set(node.needs)],
    dependents,
    ...guardOf(node.if),
    continue_on_error: node.continue_on_error ?? false,
    ...(node.type === 'builtin' && node.finally ? { finally: true } : {}),
    ...bodyOf(node),
    ...(node.type === 'map' ? { map: mapOf(node.config) } : {}),
    ...(node.compensate ? { compensate: bodyOf(node.compensate) } : {}),
  };
}

function bodyOf(node: DefinitionNode): PlanBody {
  const config = compileConfig(node.type, workflowConfig(node));
  return {
    type: node.type,
    retry: retryOf(node.retry),
    ...(node.timeout_seconds === undefined ? {} : { timeout_seconds: node.timeout_seconds }),
    ...(LIGHT.has(node.type) ? { config } : {}),
    roots: templateRoots(config),
    ...(node.type === 'builtin' ? placeOf(node) : {}),
  };
}

function placeOf({ queue, heartbeat_seconds }: BuiltinNode): Pick<PlanBody, 'queue' | 'heartbeat_seconds'> {
  return {
    ...(queue === undefined ? {} : { queue: compileTemplate(queue) }),
    ...(heartbeat_seconds === undefined ? {} : { heartbeat_seconds }),
  };
}

function mapOf({ node, max_parallel, on_item_error }: MapConfig): PlanMap {
  return {
    body: bodyOf(node),
    max_parallel: max_parallel ?? MAX_PARALLEL,
    on_item_error: on_item_error ?? 'fail',
  };
}

/** What the workflow is told of a config: not the form, which whoever takes the decision checks, and not a map's body. */
function workflowConfig({ type, config }: DefinitionNode): JsonObject {
  if (type === 'map') return { items: config.items };
  if (type !== 'approval') return config as unknown as JsonObject;
  const { form: _form, ...rest } = config;
  return rest;
}

/** A bare `always()` needs no evaluation; beside other conditions it stays in the guard, where it is true. */
function guardOf(text: string | undefined): Pick<PlanNode, 'guard' | 'guard_roots' | 'always'> {
  const guard = text === undefined ? undefined : wholeExpression(text);
  if (guard === undefined) return { always: false };
  if (/^always\s*\(\s*\)$/.test(guard)) return { always: true };
  return { guard, guard_roots: rootsOf(guard), always: callsAlways(guard) };
}

function retryOf(retry: RetryPolicy = {}): PlanRetry {
  return { ...RETRY_DEFAULTS, ...retry, non_retryable: [...(retry.non_retryable ?? [])] };
}

function outputOf(output: Json | undefined): Pick<Plan, 'output' | 'output_roots'> {
  if (output === undefined) return {};
  const template = compileTemplate(output);
  return { output: template, output_roots: templateRoots(template) };
}
