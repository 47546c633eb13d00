import { charge, chargeText } from './cost.ts';
import { LanguageFault } from './expression-error.ts';
import { replacedBytesMethods, replacedFunctions } from './functions.ts';
import { join } from './list-functions.ts';
import { allNodes } from './node.ts';
import type { Evaluator, Node } from './node.ts';
import { replacedOperator } from './operators.ts';
import { compilePattern } from './pattern.ts';
import { adopt, dayOfYear } from './time.ts';

type Handle = (...operands: unknown[]) => unknown;

/**
 * Rewrites a checked syntax tree so that evaluating it costs, and so that our rules replace the engine's where they
 * differ. The engine itself limits only the size of a program, not what it does with large values.
 * Works on a tree once; the handlers it wraps are set by the type check, which must have run.
 */
export function instrument(root: Node): void {
  for (const node of allNodes(root)) {
    if (node.op === 'map') node.setMeta('evaluate', evaluateMapLiteral);
    const handle = node.handle;
    if (handle !== undefined) node.handle = wrapped(node, handle);
  }
}

function wrapped(node: Node, handle: Handle): Handle {
  switch (node.op) {
    case 'comprehension':
      return comprehension(handle, allNodes((node.args as { step: Node }).step).size);
    case 'call':
      return call(handle, (node.args as [string])[0]);
    case 'rcall':
      return method(handle, (node.args as [string])[0]);
    case '.':
    case '[]':
    case '?:':
      return handle;
    default:
      return binary(handle, node.op);
  }
}

/** Charged before the first step, so that nested loops stop at the first inner one they cannot afford. */
function comprehension(handle: Handle, stepNodes: number): Handle {
  return (items, ...rest) => {
    charge(1 + sizeOf(items) * stepNodes);
    return handle(items, ...rest);
  };
}

function call(handle: Handle, name: string): Handle {
  const replaced = Object.hasOwn(replacedFunctions, name) ? replacedFunctions[name] : undefined;
  return (operands, node, evaluator) => {
    const values = operands as unknown[];
    values.forEach(chargeValue);
    return charged(replaced?.(...values) ?? handle(operands, node, evaluator));
  };
}

function method(handle: Handle, name: string): Handle {
  return (operands, evaluator, node) => {
    const values = operands as unknown[];
    values.forEach(chargeValue);
    return charged(replacedMethod(name, values) ?? handle(operands, evaluator, node));
  };
}

function binary(handle: Handle, operator: string): Handle {
  return (a, b, node, evaluator) => {
    if (operator === '+') [a, b].forEach(chargeValue);
    const replaced = replacedOperator(operator, a, b);
    const result = replaced === undefined ? handle(a, b, node, evaluator) : replaced;
    return result instanceof Date ? adopt(result) : result;
  };
}

function replacedMethod(name: string, values: unknown[]): unknown {
  const [receiver, argument] = values;
  if (name === 'matches' && typeof receiver === 'string' && typeof argument === 'string') {
    return compilePattern(argument).test(receiver, charge);
  }
  if (name === 'join' && Array.isArray(receiver)) return join(receiver, argument as string | undefined);
  if (receiver instanceof Date) {
    if (argument !== undefined) throw new LanguageFault(`${name}() takes no time zone: times are in UTC`);
    return name === 'getDayOfYear' ? dayOfYear(receiver) : undefined;
  }
  if (!ArrayBuffer.isView(receiver) || !Object.hasOwn(replacedBytesMethods, name)) return undefined;
  return replacedBytesMethods[name]?.(receiver as Uint8Array);
}

function charged(result: unknown): unknown {
  chargeValue(result);
  return result;
}

function chargeValue(value: unknown): void {
  if (typeof value === 'string') chargeText(value.length);
  else if (ArrayBuffer.isView(value)) chargeText(value.byteLength);
  else charge(1 + sizeOf(value));
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 0;
}

/** The engine makes plain objects and drops keys such as `constructor`; a Map keeps every key. */
function evaluateMapLiteral(evaluator: Evaluator, node: Node, context: unknown): Map<unknown, unknown> {
  const entries = node.args as [Node, Node][];
  charge(1 + entries.length);
  return new Map(entries.map(([key, value]) => [evaluator.run(key, context), evaluator.run(value, context)]));
}
