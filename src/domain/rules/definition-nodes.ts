import { DEFINITION_LIMITS, NODE_TYPES } from '../../contract/definition.ts';
import type { NodeType } from '../../contract/definition.ts';
import { isTemplated } from '../../language/config.ts';
import type { NodeSet } from '../../language/graph.ts';
import { checkConfig, seconds } from './definition-config.ts';
import { checkExpressions, checkGuard } from './definition-expressions.ts';
import type { Reach } from './definition-expressions.ts';
import { any, flag, integer, isRecord, listOf, number, record, text } from './definition-shape.ts';
import type { Check, Site } from './definition-shape.ts';

const NODE_ID = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Ids become keys of plain objects on their way through other people's code. */
const UNSAFE_IDS = new Set([
  '__proto__',
  'prototype',
  'constructor',
  ...Object.getOwnPropertyNames(Object.prototype),
]);

const DAY_MS = 86_400_000;

const retry = record({
  max_attempts: integer(1, 1_000),
  initial_interval_ms: integer(0, DAY_MS),
  backoff: number({ min: 1, max: 100 }),
  max_interval_ms: integer(0, DAY_MS),
  non_retryable: listOf(text({ min: 1, max: 200 }), { max: 100 }),
});

/** What a body (of `map`, `compensate`) has; a node of the graph has its place in it as well. */
const bodyFields: Record<string, Check> = {
  type: any,
  config: any,
  retry,
  timeout_seconds: seconds,
};
const body = record(bodyFields, ['type', 'config']);
const node = record(
  {
    ...bodyFields,
    needs: listOf(text({ max: DEFINITION_LIMITS.node_id_chars }), { max: DEFINITION_LIMITS.nodes }),
    if: any,
    continue_on_error: flag,
    compensate: any,
  },
  ['type', 'config'],
);

export interface NodeContext {
  files: ReadonlySet<string>;
  nodes: ReadonlySet<string>;
  ancestors: NodeSet;
}

export function checkNodeId(id: string, site: Site): void {
  if (!NODE_ID.test(id) || id.length > DEFINITION_LIMITS.node_id_chars) {
    site.report(
      `a node id has letters, digits and _ (no digit first), at most ${DEFINITION_LIMITS.node_id_chars}`,
    );
  } else if (UNSAFE_IDS.has(id)) {
    site.report(`"${id}" may not be a node id`);
  }
}

/** One node: its fields, its config, its expressions. `needs` as a graph is checked by `definition-graph`. */
export function checkNode(id: string, value: unknown, site: Site, context: NodeContext): void {
  node(value, site);
  if (!isRecord(value)) return;
  const reach: Reach = {
    ancestors: context.ancestors,
    nodes: context.nodes,
    place: `"${id}"`,
    item: false,
    secrets: false,
    always: false,
  };
  checkBody(value, site, reach, context);
  if (Object.hasOwn(value, 'if')) checkGuard(value['if'], site.at('if'), reach);
  if (Object.hasOwn(value, 'compensate'))
    checkCompensation(id, value['compensate'], site.at('compensate'), context);
}

/** It runs after its node, so it sees that node too. */
function checkCompensation(id: string, value: unknown, site: Site, context: NodeContext): void {
  body(value, site);
  if (!isRecord(value)) return;
  if (value['type'] === 'map') site.at('type').report('a map cannot undo a step');
  const ancestors = { has: (step: string) => step === id || context.ancestors.has(step) };
  const reach: Reach = {
    ancestors,
    nodes: context.nodes,
    place: `"${id}"`,
    item: false,
    secrets: false,
    always: false,
  };
  checkBody(value, site, reach, context);
}

function checkBody(value: Record<string, unknown>, site: Site, reach: Reach, context: NodeContext): void {
  const { type, config } = value;
  if (!Object.hasOwn(value, 'type')) return;
  if (!isNodeType(type)) return site.at('type').report(`must be one of ${NODE_TYPES.join(', ')}`);
  if (!Object.hasOwn(value, 'config')) return;
  const at = site.at('config');
  checkConfig(type, config, at, context.files);
  if (!isRecord(config)) return;
  checkConfigExpressions(type, config, at, reach);
  if (type === 'map' && Object.hasOwn(config, 'node'))
    checkMapBody(config['node'], at.at('node'), reach, context);
}

function checkConfigExpressions(
  type: NodeType,
  config: Record<string, unknown>,
  site: Site,
  reach: Reach,
): void {
  for (const [key, member] of Object.entries(config)) {
    if (isTemplated(type, key))
      checkExpressions(member, site.at(key), { ...reach, secrets: secretsIn(type, key) });
  }
}

function secretsIn(type: NodeType, member: string): Reach['secrets'] {
  if (type === 'code') return member === 'args' ? 'not in args' : true;
  return type === 'http';
}

function checkMapBody(value: unknown, site: Site, reach: Reach, context: NodeContext): void {
  body(value, site);
  if (!isRecord(value)) return;
  if (value['type'] === 'map') return site.at('type').report('a map cannot be the body of another one');
  checkBody(value, site, { ...reach, item: true }, context);
}

function isNodeType(value: unknown): value is NodeType {
  return (NODE_TYPES as readonly unknown[]).includes(value);
}
