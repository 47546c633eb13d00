import { allNodes } from './node.ts';
import type { Node, TypeChecker } from './node.ts';

type Check = Node['meta']['check'];

/** What the engine refuses between two known types, and the type we give the node instead. */
const allowed: Readonly<Record<string, { code: string; type: keyof TypeChecker }>> = {
  '?:': { code: 'incompatible_ternary_branches', type: 'dynType' },
  '==': { code: 'no_such_overload', type: 'boolType' },
  '!=': { code: 'no_such_overload', type: 'boolType' },
};

/**
 * JSON is loosely typed, so `ok ? 1 : null` and `1 == 1.0` must type-check. Runs before the type check, on the nodes
 * it will visit; the engine sets a node's handler before it compares types, so evaluation works as usual.
 */
export function loosen(root: Node): void {
  for (const node of allNodes(root)) {
    const rule = allowed[node.op];
    if (rule !== undefined) node.setMeta('check', tolerant(node.meta.check, rule));
  }
}

function tolerant(check: Check, rule: { code: string; type: keyof TypeChecker }): Check {
  return (checker, node, context) => {
    try {
      return check(checker, node, context);
    } catch (error) {
      // The error of an operand has another place; only this node's own complaint is answered.
      const own = error as { code?: unknown; node?: unknown };
      if (own.code === rule.code && own.node === node) return checker[rule.type];
      throw error;
    }
  };
}
