import type * as ESTree from 'estree';
import type { Variable } from './module.ts';
import { ancestorsOf, lastName, type Node, parentOf, stringOf, unwrap } from './syntax.ts';

/** Questions that, asked of a value in a condition, show that it is looked at before it is used. */
const ASKS_OF_ARGUMENT =
  /^(test|has|includes|hasOwn|hasOwnProperty|isInteger|isSafeInteger|isFinite|isNaN|isArray|match|exec|is[A-Z]\w*|(valid|check|assert|verify|allow|ensure)\w*)$/;
const ASKS_OF_OBJECT = /^(startsWith|match|includes)$/;

/**
 * Whether a condition somewhere asks if the value is one of those that are allowed, of the right form, or below the right folder. That
 * the answer is heeded is taken on trust: who asks does so for a reason.
 */
export function isGuarded(variable: Variable): boolean {
  return variable.references.some((reference) => isAsked(reference.identifier as Node));
}

function isAsked(identifier: Node): boolean {
  const parent = parentOf(identifier);
  if (!parent) return false;
  const question = questionAbout(parent, identifier);
  return question !== undefined && (isStatement(question) || isInCondition(question));
}

function questionAbout(parent: Node, identifier: Node): Node | undefined {
  if (parent.type === 'CallExpression') return isQuestion(parent, identifier) ? parent : undefined;
  if (parent.type === 'BinaryExpression')
    return parent.operator === 'in' && parent.left === identifier ? parent : undefined;
  const is_own = parent.type === 'MemberExpression' && parent.object === identifier && isOwnQuestion(parent);
  return is_own ? parentOf(parent) : undefined;
}

function isQuestion(call: ESTree.SimpleCallExpression, argument: Node): boolean {
  return (
    call.arguments.includes(argument as ESTree.Expression) && ASKS_OF_ARGUMENT.test(lastName(call.callee))
  );
}

function isOwnQuestion(member: ESTree.MemberExpression): boolean {
  const call = parentOf(member);
  if (call?.type !== 'CallExpression' || !ASKS_OF_OBJECT.test(lastName(member))) return false;
  // `startsWith('/')` says nothing of where a path leads.
  return stringOf(call.arguments[0])?.startsWith('/') !== true;
}

/** `assertSafe(name);` throws when it is not. */
function isStatement(node: Node): boolean {
  const parent = parentOf(node);
  return parent?.type === 'ExpressionStatement';
}

function isInCondition(node: Node): boolean {
  let inner = node;
  for (const around of ancestorsOf(node)) {
    if (around.type === 'IfStatement' || around.type === 'ConditionalExpression')
      return around.test === inner;
    if (around.type === 'LogicalExpression') {
      if (around.left === inner && around.operator !== '??' && !isTested(around)) return true;
    } else if (unwrap(around).type !== 'UnaryExpression' && around.type !== 'BinaryExpression') return false;
    inner = around;
  }
  return false;
}

function isTested(node: Node): boolean {
  const type = parentOf(node)?.type;
  return type === 'IfStatement' || type === 'ConditionalExpression' || type === 'LogicalExpression';
}
