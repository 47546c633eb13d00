import type * as ESTree from 'estree';
import type { FunctionRef } from '../../contract/findings.ts';
import { type CodeModule, functionOf, type Variable } from './module.ts';
import {
  functionName,
  isFunction,
  keyOf,
  memberName,
  type Node,
  stringOf,
  unwrap,
  unwrapAwait,
} from './syntax.ts';

/** What a called thing is: a function of this module, or what another one exports under a name. */
export function refOf(code: CodeModule, callee: Node): FunctionRef | undefined {
  const at = unwrap(callee);
  if (at.type === 'Identifier') return refOfVariable(code.variableOf(at));
  if (at.type !== 'MemberExpression') return undefined;
  const name = memberName(at);
  const object = unwrap(at.object);
  if (name === undefined) return undefined;
  if (object.type === 'ThisExpression') return { specifier: null, name };
  const required = requiredFrom(object);
  if (required !== undefined) return { specifier: required, name };
  const holder = object.type === 'Identifier' ? code.variableOf(object) : undefined;
  const whole = refOfVariable(holder);
  if (whole && whole.specifier !== null && /^(\*|default)$/.test(whole.name))
    return { specifier: whole.specifier, name };
  return holder && isOwnObject(holder, name) ? { specifier: null, name } : undefined;
}

/** The module that `require('…')` or `await import('…')` gives. */
export function requiredFrom(node: Node): string | undefined {
  const at = unwrapAwait(node);
  if (at.type === 'ImportExpression') return stringOf(at.source);
  if (at.type !== 'CallExpression' || at.callee.type !== 'Identifier' || at.callee.name !== 'require')
    return undefined;
  return stringOf(at.arguments[0]);
}

function refOfVariable(variable: Variable | undefined): FunctionRef | undefined {
  const definition = variable?.defs[0];
  if (definition?.type === 'ImportBinding') {
    const specifier = stringOf(definition.parent.source);
    return specifier === undefined ? undefined : { specifier, name: importedName(definition.node) };
  }
  if (definition?.type === 'Variable') {
    const required = takenFrom(definition.node, variable?.name ?? '');
    if (required) return required;
  }
  const own = functionOf(variable);
  return isFunction(own) ? { specifier: null, name: functionName(own) } : undefined;
}

export function importedName(node: Node): string {
  if (node.type === 'ImportNamespaceSpecifier') return '*';
  if (node.type !== 'ImportSpecifier') return 'default';
  return node.imported.type === 'Identifier' ? node.imported.name : (stringOf(node.imported) ?? '*');
}

/** `const { name } = require('…')`, `const all = require('…')`, `const name = require('…').name`. */
function takenFrom({ id, init }: ESTree.VariableDeclarator, name: string): FunctionRef | undefined {
  if (!init) return undefined;
  const value = unwrapAwait(init);
  const specifier = requiredFrom(value);
  if (specifier === undefined) {
    const inner = value.type === 'MemberExpression' ? requiredFrom(value.object) : undefined;
    const member = value.type === 'MemberExpression' ? memberName(value) : undefined;
    return inner !== undefined && member !== undefined ? { specifier: inner, name: member } : undefined;
  }
  if (id.type === 'Identifier') return { specifier, name: '*' };
  if (id.type !== 'ObjectPattern') return undefined;
  for (const property of id.properties)
    if (property.type === 'Property' && nameOfPattern(property.value) === name)
      return { specifier, name: keyOf(property) ?? name };
  return undefined;
}

function nameOfPattern(node: Node): string | undefined {
  if (node.type === 'AssignmentPattern') return nameOfPattern(node.left);
  return node.type === 'Identifier' ? node.name : undefined;
}

function isOwnObject(variable: Variable, name: string): boolean {
  const value = functionOf(variable);
  if (value?.type !== 'ObjectExpression') return false;
  return value.properties.some(
    (one) => one.type === 'Property' && keyOf(one) === name && isFunction(one.value),
  );
}
