import type { DefinitionNode } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { PlanNode, Template } from '../../contract/plan.ts';
import { compileConfig } from '../../language/config.ts';
import { memberOf } from '../../language/light-config.ts';
import { templateRoots } from '../../language/template.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import { evaluateNow, evaluateThen, readsTheSame } from './evaluate.ts';
import { hasRun } from './guard.ts';
import { limitsNow } from './limits.ts';
import { locateFailure } from './locate.ts';
import { mapNow } from './map.ts';
import { isSameKind, isSameWork } from './same-work.ts';
import { failedWith, RECORDED, type Told, unknown, type Walk } from './walk-parts.ts';

/** What comes of a node that is carried out. */
export function bodyNow(walk: Walk, node: PlanNode): Told {
  const before = walk.then.definition.nodes[node.id];
  const after = walk.now.definition.nodes[node.id]!;
  if (node.type === 'map') return mapNow(walk, node, after);
  const is_as_then = before && hasRun(walk, node.id) && isSameWork(walk, before, after);
  const reads_the_same = is_as_then && readsTheSame(walk, rootsOf(after)) === true;
  if (node.type === 'transform') return reads_the_same ? RECORDED : transformNow(walk, node, after);
  return reads_the_same ? limitsNow(walk, node) : outsideNow(walk, node, after);
}

/** A transform is simply evaluated. */
function transformNow(walk: Walk, node: PlanNode, { config }: DefinitionNode): Told {
  const { id, roots } = node;
  const found = evaluateNow(walk, { template: memberOf(node, 'value'), roots, node: id });
  if ('unknown' in found) return unknown(found.unknown, true);
  if ('value' in found) return { kind: 'worked_out', state: 'succeeded', output: found.value, error: null };
  const { value } = config as { value: Json };
  return failedWith(found.error, failingPath(walk, id, value, `/nodes/${id}/config/value`));
}

/** What needs more than values: its result is the recorded one, or is not known. */
function outsideNow(walk: Walk, { id, ...node }: PlanNode, after: DefinitionNode): Told {
  const now = evaluateNow(walk, reading(id, after));
  // A value that only stands for a secret may be what failed.
  if ('error' in now && rootsOf(after).secrets.length === 0)
    return failedWith(
      now.error,
      failingPath(walk, id, after.config as unknown as Json, `/nodes/${id}/config`),
    );
  const before = walk.then.definition.nodes[id];
  if (!before || !hasRun(walk, id)) return unknown('has_no_result', true);
  if (!isSameKind(walk, before, after)) return unknown('config_changed', true);
  if ('unknown' in now) return unknown(now.unknown, true);
  const then = evaluateThen(walk, reading(id, before));
  if ('unknown' in then) return unknown(then.unknown, true);
  if ('value' in then && 'value' in now && isEqualJson(then.value, now.value))
    return limitsNow(walk, { id, ...node });
  return unknown(isSameWork(walk, before, after) ? 'inputs_changed' : 'config_changed', true);
}

const reading = (node: string, body: DefinitionNode) => ({
  template: templateOf(body),
  roots: rootsOf(body),
  node,
});

const templateOf = ({ type, config }: DefinitionNode): Template =>
  compileConfig(type, config as unknown as JsonObject);

const rootsOf = (node: DefinitionNode) => templateRoots(templateOf(node));

/** JSON Pointer to the first expression of a config that fails by itself. */
const failingPath = (walk: Walk, node: string, value: Json, at: string): string =>
  locateFailure(
    value,
    at,
    (template) => 'error' in evaluateNow(walk, { template, roots: templateRoots(template), node }),
  );
