import type { Environment } from '@marcbachmann/cel-js';

import { celEqual, celIncludes } from './equality.ts';

const arithmetic: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

/**
 * Mixed arithmetic promotes to double, both ways round: `input.n * 1.5` just works. (Comparisons of mixed numbers
 * are the engine's own.)
 */
export function registerOperators(environment: Environment): void {
  for (const [operator, calculate] of Object.entries(arithmetic)) {
    const handler = (a: unknown, b: unknown): number => calculate(Number(a), Number(b));
    environment.registerOperator(`int ${operator} double: double`, handler);
    environment.registerOperator(`double ${operator} int: double`, handler);
  }
}

/** Applies an operator where our rule replaces the engine's; undefined = the engine decides. */
export function replacedOperator(operator: string, a: unknown, b: unknown): unknown {
  switch (operator) {
    case '==':
      return celEqual(a, b);
    case '!=':
      return !celEqual(a, b);
    case 'in':
      return Array.isArray(b) || b instanceof Map ? celIncludes(a, b) : undefined;
    case '+':
      return Array.isArray(a) && Array.isArray(b) ? [...(a as unknown[]), ...(b as unknown[])] : undefined;
    default:
      return undefined;
  }
}
