import type * as ESTree from 'estree';
import type { CodeRule } from '../javascript/code-rule.ts';
import type { CodeModule } from '../javascript/module.ts';
import {
  ancestorsOf,
  enclosingFunction,
  functionName,
  type FunctionNode,
  lastName,
  type Node,
  unwrap,
} from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';

const POLLUTION = ownRule('security', 'prototype-pollution', 'error', {
  cwe: 'CWE-1321',
  help: 'Leave out `__proto__`, `constructor` and `prototype`, or build on Object.create(null).',
});

/** A function that calls itself on members it walks over, and sets them by name. */
export const pollutionRule: CodeRule = {
  rules: [POLLUTION],
  create(code, report) {
    const merging = new Map<FunctionNode, boolean>();
    return { AssignmentExpression: check };

    function check(node: ESTree.AssignmentExpression): void {
      const target = unwrap(node.left);
      if (target.type !== 'MemberExpression' || !target.computed) return;
      const key = unwrap(target.property);
      const around = enclosingNamed(node);
      if (key.type !== 'Identifier' || !around || !isLoopKey(node, key.name)) return;
      const is_merging = merging.get(around) ?? mergesUnguarded(code, around);
      merging.set(around, is_merging);
      if (is_merging) report(POLLUTION, node, 'A key such as __proto__ changes every object.');
    }
  },
};

/** It calls itself, and no key is left out. */
function mergesUnguarded(code: CodeModule, around: FunctionNode): boolean {
  if (/__proto__|hasOwn|constructor|Object\.create\(null\)/.test(code.textOf(around))) return false;
  const name = functionName(around);
  return code.within(around).some((one) => one.type === 'CallExpression' && lastName(one.callee) === name);
}

function enclosingNamed(node: Node) {
  for (let at = enclosingFunction(node); at; at = enclosingFunction(at))
    if (functionName(at) !== '') return at;
  return undefined;
}

function isLoopKey(node: Node, key: string): boolean {
  for (const around of ancestorsOf(node)) {
    if (around.type !== 'ForInStatement' && around.type !== 'ForOfStatement') continue;
    const { left } = around;
    const target = left.type === 'VariableDeclaration' ? left.declarations[0]?.id : left;
    if (target?.type === 'Identifier' && target.name === key) return true;
    if (target?.type === 'ArrayPattern' && lastName(target.elements[0] ?? target) === key) return true;
  }
  return false;
}
