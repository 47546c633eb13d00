/**
 * The engine's syntax tree, as far as we look at it. Its published types leave out what a macro becomes and the
 * handler a node is evaluated with; `instrument` is the one place that relies on them.
 */
export interface Node {
  op: string;
  args: unknown;
  start: number;
  meta: NodeMeta;
  /** Set by the type check: applies the node to evaluated operands. */
  handle?: (...operands: unknown[]) => unknown;
  setMeta(key: string, value: unknown): Node;
}

export interface NodeMeta {
  /** What a macro over a list was rewritten to. */
  alternate?: Node;
  macro?: Record<string, unknown>;
  check: (checker: TypeChecker, node: Node, context: unknown) => unknown;
  evaluate: (evaluator: Evaluator, node: Node, context: unknown) => unknown;
}

/** The engine's type check, with the two types we hand out. */
export interface TypeChecker {
  dynType: unknown;
  boolType: unknown;
}

export interface Evaluator {
  run(node: Node, context: unknown): unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value && 'meta' in value;
}

/** The nodes written under this one, macros not expanded. */
export function children(node: Node): Node[] {
  return nodesIn(node.args);
}

/** The nodes evaluated under this one, macros expanded. */
function evaluatedChildren(node: Node): Node[] {
  if (node.meta.alternate) return [node.meta.alternate];
  if (node.meta.macro) return nodesIn(Object.values(node.meta.macro));
  return children(node);
}

/** This node and all that are evaluated under it, macros expanded, each once. */
export function allNodes(root: Node): Set<Node> {
  const seen = new Set<Node>();
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    pending.push(...evaluatedChildren(node));
  }
  return seen;
}

function nodesIn(value: unknown): Node[] {
  if (isNode(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return [];
  return Object.values(value).flatMap(nodesIn);
}
