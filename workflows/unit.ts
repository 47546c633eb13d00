import type { JsonObject } from '../src/contract/json.ts';
import type { Plan, PlanBody, PlanNode } from '../src/contract/plan.ts';

/** One thing that is carried out: a node, the body of a map for one of its items, or what undoes a node. */
export interface Unit {
  /** Tells it from every other of the run. */
  key: string;
  role: 'node' | 'item' | 'compensation';
  node: PlanNode;
  body: PlanBody;
  /** With item and attempt, the key of its step rows. */
  name: string;
  /** -1 outside a map. */
  item: number;
}

// Node ids have neither of the two.
const ITEM = '#';
const COMPENSATE = '.compensate';

export const nodeUnit = (node: PlanNode): Unit => ({
  key: node.id,
  role: 'node',
  node,
  body: node,
  name: node.id,
  item: -1,
});

export const itemUnit = (node: PlanNode, item: number): Unit => ({
  key: `${node.id}${ITEM}${item}`,
  role: 'item',
  node,
  body: node.map?.body ?? node,
  name: node.id,
  item,
});

export const compensationUnit = (node: PlanNode): Unit => {
  const name = `${node.id}${COMPENSATE}`;
  return { key: name, role: 'compensation', node, body: node.compensate ?? node, name, item: -1 };
};

/** The unit with this key; undefined for a node the plan does not have. */
export function unitOf(plan: Plan, key: string): Unit | undefined {
  const [id = '', item] = key.replace(COMPENSATE, '').split(ITEM);
  const node = plan.nodes[id];
  if (!node) return undefined;
  if (item !== undefined) return itemUnit(node, Number(item));
  return key === id ? nodeUnit(node) : compensationUnit(node);
}

/** What every event of a unit says about where it belongs. */
export function placeOf({ name, item }: Unit, attempt: number): JsonObject {
  return item < 0 ? { node: name, attempt } : { node: name, item, attempt };
}
