import type { CodeRule } from '../javascript/code-rule.ts';
import type { CodeModule } from '../javascript/module.ts';
import {
  enclosingFunction,
  functionName,
  type FunctionNode,
  isFunction,
  type Node,
} from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';

const COMPLEXITY = ownRule('static', 'complexity', 'warning', {
  help: 'Take parts out into functions of their own, or decide by a table.',
});
/** Ways through a function beyond which hardly anybody tests or understands it all. */
export const MAX_COMPLEXITY = 15;

/** The cyclomatic complexity of each function: one, and one for each place where it may go another way. */
export function complexities(code: CodeModule): Map<FunctionNode, number> {
  const counts = new Map<FunctionNode, number>();
  for (const node of code.nodes) if (isFunction(node)) counts.set(node, 1);
  for (const node of code.nodes) {
    const around = branches(node) ? enclosingFunction(node) : undefined;
    if (around) counts.set(around, (counts.get(around) ?? 1) + 1);
  }
  return counts;
}

export const complexityRule: CodeRule = {
  rules: [COMPLEXITY],
  create: (code, report) => ({
    Program() {
      if (code.is_test) return;
      for (const [node, count] of complexities(code)) {
        const name = functionName(node) || 'function';
        if (count > MAX_COMPLEXITY)
          report(
            COMPLEXITY,
            node,
            `There are ${count} ways through ${name}; ${MAX_COMPLEXITY} are enough.`,
            name,
          );
      }
    },
  }),
};

function branches(node: Node): boolean {
  switch (node.type) {
    case 'IfStatement':
    case 'ConditionalExpression':
    case 'LogicalExpression':
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
      return true;
    case 'SwitchCase':
      return node.test !== null && node.test !== undefined;
    case 'AssignmentExpression':
      return /^(\|\||&&|\?\?)=$/.test(node.operator);
    default:
      return false;
  }
}
