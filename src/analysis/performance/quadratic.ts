import type * as ESTree from 'estree';
import type { CodeRule } from '../javascript/code-rule.ts';
import { loopAround } from '../javascript/loops.ts';
import { type CodeModule, onlyValueOf } from '../javascript/module.ts';
import {
  ancestorsOf,
  dottedName,
  type FunctionNode,
  isFunction,
  isInside,
  lastName,
  type Node,
  unwrap,
} from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';
import { looksLikeList } from './lists.ts';

const COPIED = ownRule('performance', 'quadratic-copy', 'warning', {
  cwe: 'CWE-407',
  help: 'Add to one array, object or Map instead of copying all of it each time.',
});
const SEARCHED = ownRule('performance', 'quadratic-search', 'warning', {
  cwe: 'CWE-407',
  help: 'Make a Set or a Map of it before the loop.',
});
const SHIFTED = ownRule('performance', 'quadratic-shift', 'warning', {
  cwe: 'CWE-407',
  help: 'Go through it by index, or reverse it once and pop.',
});
const SORTED = ownRule('performance', 'sort-in-loop', 'warning', {
  cwe: 'CWE-407',
  help: 'Sort once, outside the loop.',
});

const SEARCHES = /^(includes|indexOf|lastIndexOf)$/;
const SEARCHES_BY_CALLBACK = /^(find|findIndex|findLast|findLastIndex|some|every|filter)$/;

export const quadraticRule: CodeRule = {
  rules: [COPIED, SEARCHED, SHIFTED, SORTED],
  create: (code, report) => ({
    CallExpression(node) {
      const accumulator = reducer(node);
      if (accumulator)
        for (const copy of copiesOf(code, accumulator))
          report(COPIED, copy, 'All that is gathered so far is copied for each item.');
      const callee = unwrap(node.callee);
      if (callee.type !== 'MemberExpression') return;
      const name = lastName(callee);
      if (isShift(node, name) && isShiftedInLoop(code, node, callee.object))
        report(SHIFTED, node, `${name} moves all other items, for each item.`);
      const loop = loopAround(code, node);
      if (!loop || !isFromOutside(code, callee.object, loop.node)) return;
      const searches = SEARCHES.test(name)
        ? looksLikeList(code, callee.object)
        : SEARCHES_BY_CALLBACK.test(name) && isFunction(node.arguments[0]);
      if (searches && !isSmall(code, callee.object))
        report(
          SEARCHED,
          node,
          `${dottedName(callee.object) || 'The list'} is searched from its start for each item.`,
        );
      if (/^(sort|toSorted)$/.test(name)) report(SORTED, node, 'The list is sorted again for each item.');
    },
    AssignmentExpression(node) {
      if (node.operator !== '=' || node.left.type !== 'Identifier') return;
      const { name } = node.left;
      const loop = loopAround(code, node) ?? whileAround(node);
      if (loop && copies(node.right, name) && isFromOutside(code, node.left, loop.node))
        report(COPIED, node, 'All that is gathered so far is copied for each item.');
    },
  }),
};

/** The callback of `reduce`, and the name of what it gathers. */
function reducer(node: ESTree.SimpleCallExpression): { callback: FunctionNode; name: string } | undefined {
  const [callback] = node.arguments;
  if (!/^reduce(Right)?$/.test(lastName(node.callee)) || !isFunction(callback)) return undefined;
  const [first] = callback.params;
  return first?.type === 'Identifier' ? { callback, name: first.name } : undefined;
}

function copiesOf(code: CodeModule, { callback, name }: { callback: FunctionNode; name: string }): Node[] {
  if (callback.body.type !== 'BlockStatement') return copies(callback.body, name) ? [callback.body] : [];
  return code
    .within(callback.body)
    .filter((one) => one.type === 'ReturnStatement' && !!one.argument && copies(one.argument, name));
}

/** `[...name, x]`, `{ ...name, x }`, `name.concat(x)`, `Object.assign({}, name)`. */
function copies(node: Node, name: string): boolean {
  const at = unwrap(node);
  const isIt = (one: Node | null | undefined): boolean => one?.type === 'Identifier' && one.name === name;
  if (at.type === 'ArrayExpression')
    return (
      at.elements.length > 1 && at.elements.some((one) => one?.type === 'SpreadElement' && isIt(one.argument))
    );
  if (at.type === 'ObjectExpression')
    return (
      at.properties.length > 1 &&
      at.properties.some((one) => one.type === 'SpreadElement' && isIt(one.argument))
    );
  if (at.type === 'ConditionalExpression') return copies(at.consequent, name) || copies(at.alternate, name);
  if (at.type !== 'CallExpression') return false;
  const callee = unwrap(at.callee);
  if (dottedName(callee) === 'Object.assign')
    return at.arguments[0]?.type === 'ObjectExpression' && at.arguments.slice(1).some(isIt);
  return callee.type === 'MemberExpression' && lastName(callee) === 'concat' && isIt(callee.object);
}

function isShift(node: ESTree.SimpleCallExpression, name: string): boolean {
  const [first] = node.arguments;
  return (
    name === 'shift' ||
    name === 'unshift' ||
    (name === 'splice' && first?.type === 'Literal' && first.value === 0)
  );
}

function isShiftedInLoop(code: CodeModule, node: Node, list: Node): boolean {
  const loop = loopAround(code, node) ?? whileAround(node);
  return loop !== undefined && isFromOutside(code, list, loop.node);
}

function whileAround(node: Node): { node: Node } | undefined {
  for (const around of ancestorsOf(node)) {
    if (around.type === 'WhileStatement' || around.type === 'DoWhileStatement') return { node: around };
    if (isFunction(around)) return undefined;
  }
  return undefined;
}

/** It is the same list each time round, not one that belongs to the item. */
function isFromOutside(code: CodeModule, list: Node, loop: Node): boolean {
  const at = unwrap(list);
  if (at.type === 'MemberExpression') return !at.computed && isFromOutside(code, at.object, loop);
  if (at.type === 'ThisExpression') return true;
  if (at.type !== 'Identifier') return false;
  const variable = code.variableOf(at);
  if (!variable) return false;
  return !variable.identifiers.some((one) => isInside(one, loop));
}

/** Written out, or one of the program's own constants: it does not grow. */
function isSmall(code: CodeModule, list: Node): boolean {
  const at = unwrap(list);
  const name = dottedName(at);
  if (/^[A-Z][A-Z0-9_]*$/.test(name.split('.').at(-1) ?? '')) return true;
  const value = at.type === 'Identifier' ? onlyValueOf(code.variableOf(at)) : undefined;
  return value?.type === 'ArrayExpression' && value.elements.length > 0;
}
