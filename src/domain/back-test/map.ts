import type { DefinitionNode } from '../../contract/definition.ts';
import type { Json } from '../../contract/json.ts';
import type { PlanNode } from '../../contract/plan.ts';
import { itemFailure, listOf, memberOf } from '../../language/light-config.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import { evaluateNow, evaluateThen, readsTheSame } from './evaluate.ts';
import { hasRun } from './guard.ts';
import { limitsNow } from './limits.ts';
import { isSameWork } from './same-work.ts';
import { failedWith, nodeThen, type Told, unknown, type Walk } from './walk-parts.ts';

/** More than this are not evaluated here. */
const ITEMS = 10_000;

/** What comes of a map that is not the same as it was: evaluated where its body is, otherwise not known. */
export function mapNow(walk: Walk, node: PlanNode, after: DefinitionNode): Told {
  if (isAsThen(walk, node, after)) return limitsNow(walk, node);
  const at = `/nodes/${node.id}/config/items`;
  const items = evaluateNow(walk, { template: memberOf(node, 'items'), roots: node.roots, node: node.id });
  if ('unknown' in items) return unknown(items.unknown, true);
  if ('error' in items) return failedWith(items.error, at);
  const list = listOf(items.value);
  if ('error' in list) return failedWith(list.error.message, at);
  if (node.map?.body.type !== 'transform' || list.items.length > ITEMS)
    return unknown(hasRun(walk, node.id) ? changeOf(walk, node, after) : 'has_no_result', true);
  return transformsNow(walk, node, list.items);
}

/** The same body over the same list. */
function isAsThen(walk: Walk, node: PlanNode, after: DefinitionNode): boolean {
  const before = walk.then.definition.nodes[node.id];
  const plan_before = nodeThen(walk, node.id);
  if (!before || !plan_before || !node.map) return false;
  if (!hasRun(walk, node.id) || !isSameWork(walk, before, after)) return false;
  if (readsTheSame(walk, node.map.body.roots) !== true) return false;
  const [was, is] = [memberOf(plan_before, 'items'), memberOf(node, 'items')];
  if (isEqualJson(was, is) && readsTheSame(walk, node.roots) === true) return true;
  const then = evaluateThen(walk, { template: was, roots: plan_before.roots, node: node.id });
  const now = evaluateNow(walk, { template: is, roots: node.roots, node: node.id });
  return 'value' in then && 'value' in now && isEqualJson(then.value, now.value);
}

function changeOf(walk: Walk, { id }: PlanNode, after: DefinitionNode) {
  const before = walk.then.definition.nodes[id];
  return before && isSameWork(walk, before, after) ? 'inputs_changed' : 'config_changed';
}

/** Items that are evaluated go one after the other. */
function transformsNow(walk: Walk, { id, map }: PlanNode, items: readonly Json[]): Told {
  const { body, on_item_error } = map!;
  const template = memberOf(body, 'value');
  const outputs: Json[] = [];
  for (const [index, item] of items.entries()) {
    const found = evaluateNow(walk, { template, roots: body.roots, node: id, item });
    if ('unknown' in found) return unknown(found.unknown, true);
    if ('error' in found && on_item_error === 'fail') {
      const error = itemFailure(index, { code: 'expression_error', message: found.error });
      return failedWith(error.message, `/nodes/${id}/config/node/config/value`);
    }
    outputs.push('value' in found ? found.value : null);
  }
  return { kind: 'worked_out', state: 'succeeded', output: outputs, error: null };
}
