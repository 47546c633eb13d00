import type * as ESTree from 'estree';
import { isGuarded } from './guards.ts';
import { type CodeModule, functionOf, onlyValueOf, parameterOf, valuesOf, type Variable } from './module.ts';
import {
  dottedName,
  enclosingFunction,
  isFunction,
  lastName,
  type Node,
  parentOf,
  unwrap,
} from './syntax.ts';

const MAX_DEPTH = 16;
const CONSTANT_NAME = /^[A-Z][A-Z0-9_]+$/;
/** Calls that give a number, a date, or text out of a fixed alphabet. */
const GIVES_HARMLESS =
  /^(Number|parseInt|parseFloat|Boolean|BigInt|round|floor|ceil|min|max|trunc|abs|toFixed|now|getTime|toISOString|randomUUID|repeat|escapeId|escapeIdentifier|escapeLiteral|escape|quoteIdent\w*|quote\w*|escape\w*|sanitize\w*)$/;
const GIVES_NUMBER = /^(length|size|rowCount|index|indexOf|byteLength)$/;
const ARITHMETIC = /^(-|\*|\/|%|\*\*|<<|>>|>>>|&|\||\^|<|>|<=|>=|===|!==|==|!=|in|instanceof)$/;

/**
 * Whether a value can only be one of those the program itself writes down, or a number: such a value may stand in a command or a
 * query. A name in capitals is taken for a constant wherever it comes from.
 */
export function isConstantIn(code: CodeModule): (node: Node) => boolean {
  const known = new Map<Variable, boolean>();
  const ofVariable = (variable: Variable, depth: number): boolean => {
    const before = known.get(variable);
    if (before !== undefined) return before;
    known.set(variable, true);
    const values = valuesOf(variable);
    const is_constant =
      isGuarded(variable) ||
      isGivenConstants(code, variable, (value) => is(value, depth + 1)) ||
      (variable.defs[0]?.type === 'Variable' &&
        isDirect(variable) &&
        values.length > 0 &&
        values.every((value) => is(value, depth + 1)));
    known.set(variable, is_constant);
    return is_constant;
  };
  const is = (node: Node, depth: number): boolean => {
    const at = unwrap(node);
    if (depth > MAX_DEPTH) return false;
    if (at.type === 'Identifier') {
      if (CONSTANT_NAME.test(at.name) || at.name === 'undefined') return true;
      const variable = code.variableOf(at);
      return variable !== undefined && ofVariable(variable, depth);
    }
    if (at.type === 'CallExpression')
      return (
        isConstantCall(at, (one) => is(one, depth + 1)) ||
        givesConstants(code, at, (one) => is(one, depth + 1))
      );
    if (at.type === 'MemberExpression') return isConstantMember(code, at, (one) => is(one, depth + 1));
    return isConstantExpression(at, (one) => is(one, depth + 1));
  };
  return (node) => is(node, 0);
}

type Ask = (node: Node) => boolean;

function isConstantExpression(node: Node, is: Ask): boolean {
  switch (node.type) {
    case 'Literal':
    case 'UpdateExpression':
      return true;
    case 'TemplateLiteral':
      return node.expressions.every(is);
    case 'BinaryExpression':
      return ARITHMETIC.test(node.operator) || (is(node.left) && is(node.right));
    case 'UnaryExpression':
      return true;
    case 'LogicalExpression':
      return is(node.left) && is(node.right);
    case 'ConditionalExpression':
      return is(node.consequent) && is(node.alternate);
    case 'ArrayExpression':
      return node.elements.every((one) => one === null || is(one));
    case 'SpreadElement':
      return is(node.argument);
    case 'ObjectExpression':
      return node.properties.every((one) => one.type === 'Property' && is(one.value));
    case 'AssignmentExpression':
      return ARITHMETIC.test(node.operator.slice(0, -1)) || is(node.right);
    default:
      return false;
  }
}

/** Of a table that is written out every entry is, whichever key is asked for. */
function isConstantMember(code: CodeModule, node: ESTree.MemberExpression, is: Ask): boolean {
  if (GIVES_NUMBER.test(lastName(node))) return true;
  const object = unwrap(node.object);
  const table = object.type === 'Identifier' ? onlyValueOf(code.variableOf(object)) : undefined;
  return table?.type === 'ObjectExpression' ? is(table) : is(object);
}

function isConstantCall(node: ESTree.SimpleCallExpression, is: Ask): boolean {
  const callee = unwrap(node.callee);
  const name = lastName(callee);
  if (GIVES_HARMLESS.test(name)) return true;
  // Of the program's own text a function of its own makes the program's own text.
  if (callee.type === 'Identifier' && node.arguments.length > 0 && node.arguments.every(is)) return true;
  if (callee.type !== 'MemberExpression') return false;
  // `ids.map((_, i) => `$${i + 1}`).join(', ')`: as many place-holders as there are values.
  if (name === 'map') return isFunction(node.arguments[0]) && isConstantResult(node.arguments[0], is);
  if (name === 'fill') return node.arguments.every(is);
  if (/^(join|keys|values|trim|toLowerCase|toUpperCase|concat|slice|get|at|toString|from)$/.test(name)) {
    const on_object = dottedName(callee.object) === 'Object' || dottedName(callee.object) === 'Array';
    return on_object ? node.arguments.every(is) : is(callee.object);
  }
  return false;
}

/** A parameter of a function that only this module calls, and only with its own text. */
function isGivenConstants(code: CodeModule, variable: Variable, is: Ask): boolean {
  const { function_node, index = 0 } = parameterOf(variable) ?? {};
  const name = function_node && nameOfFunction(function_node);
  const called = name ? code.variableOf(name) : undefined;
  if (!called || function_node?.params[index]?.type !== 'Identifier') return false;
  const uses = called.references
    .filter((one) => one.init !== true)
    .map(({ identifier }) => identifier as Node);
  return (
    uses.length > 0 &&
    !isExported(function_node) &&
    uses.every((use) => {
      const call = parentOf(use);
      const given =
        call?.type === 'CallExpression' && call.callee === use ? call.arguments[index] : undefined;
      return given !== undefined && given.type !== 'SpreadElement' && is(given);
    })
  );
}

function nameOfFunction(node: Node): Node | undefined {
  if (node.type === 'FunctionDeclaration') return node.id ?? undefined;
  const parent = parentOf(node);
  return parent?.type === 'VariableDeclarator' ? parent.id : undefined;
}

function isExported(node: Node): boolean {
  const declaration = node.type === 'FunctionDeclaration' ? node : parentOf(parentOf(node) ?? node);
  return /^Export/.test(parentOf(declaration ?? node)?.type ?? '');
}

/** A function of the module that gives back only what it lists itself: `(s) => (LIST.includes(s) ? s : 'name')`. */
function givesConstants(code: CodeModule, node: ESTree.SimpleCallExpression, is: Ask): boolean {
  const called = functionOf(code.variableOf(unwrap(node.callee)));
  if (!isFunction(called)) return false;
  if (called.body.type !== 'BlockStatement') return is(called.body);
  const returns = code
    .within(called.body)
    .filter((one) => one.type === 'ReturnStatement' && enclosingFunction(one) === called);
  return (
    returns.length > 0 &&
    returns.every((one) => one.type === 'ReturnStatement' && !!one.argument && is(one.argument))
  );
}

function isConstantResult(callback: Node, is: Ask): boolean {
  if (callback.type !== 'ArrowFunctionExpression') return false;
  if (callback.body.type !== 'BlockStatement') return isPlaceholder(callback.body, callback, is);
  const [only] = callback.body.body;
  return only?.type === 'ReturnStatement' && !!only.argument && isPlaceholder(only.argument, callback, is);
}

/** The second parameter of the callback is the index. */
function isPlaceholder(node: Node, callback: ESTree.ArrowFunctionExpression, is: Ask): boolean {
  const index = callback.params[1];
  const name = index?.type === 'Identifier' ? index.name : undefined;
  if (node.type !== 'TemplateLiteral' || name === undefined) return is(node);
  return node.expressions.every((one) => is(one) || isCount(one, name, is));
}

function isCount(node: Node, index: string, is: Ask): boolean {
  if (node.type === 'Identifier') return node.name === index;
  if (node.type !== 'BinaryExpression') return false;
  return [node.left as Node, node.right].every((side) => is(side) || isCount(side, index, is));
}

/** `const x = …`, not `const { x } = …` nor `for (const x of …)`. */
function isDirect(variable: Variable): boolean {
  const definition = variable.defs[0];
  return definition?.type === 'Variable' && definition.node.id.type === 'Identifier';
}
