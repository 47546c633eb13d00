import { EvaluationError } from '@marcbachmann/cel-js';
import type { Environment } from '@marcbachmann/cel-js';

import type { Node } from './node.ts';

/** What `default` forgives: the value is not there. Every other error (a type, a division) still fails. */
const MISSING = new Set(['no_such_key', 'index_out_of_bounds']);

interface Macro {
  args: [Node, Node];
}

interface Checker {
  check(node: Node, context: unknown): unknown;
  getType(name: string): unknown;
}

interface Runner {
  run(node: Node, context: unknown): unknown;
}

/**
 * `default(x, y)`: x, or y when x is null or not there. A macro, because a function would get its arguments
 * evaluated, and x fails when it is not there.
 */
export function registerDefault(environment: Environment): void {
  const expand = ({ args }: Macro) => ({ args, typeCheck, evaluate, async: false });
  environment.registerFunction('default(ast, ast): dyn', expand as never);
}

function typeCheck(checker: Checker, macro: Macro, context: unknown): unknown {
  for (const node of macro.args) checker.check(node, context);
  return checker.getType('dyn');
}

function evaluate(runner: Runner, macro: Macro, context: unknown): unknown {
  return valueIfThere(runner, macro.args[0], context) ?? runner.run(macro.args[1], context);
}

function valueIfThere(runner: Runner, node: Node, context: unknown): unknown {
  try {
    return runner.run(node, context);
  } catch (error) {
    if (error instanceof EvaluationError && MISSING.has(error.code)) return null;
    throw error;
  }
}
