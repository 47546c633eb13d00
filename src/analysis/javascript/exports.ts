import type * as ESTree from 'estree';
import type { ExportedName } from '../../contract/findings.ts';
import { type CodeModule, functionOf } from './module.ts';
import {
  dottedName,
  isFunction,
  isInside,
  keyOf,
  memberName,
  type Node,
  parentOf,
  spanOf,
  stringOf,
  unwrap,
} from './syntax.ts';

export interface Exports {
  names: ExportedName[];
  /** It may export more than can be seen. */
  is_opaque: boolean;
}

/** What a module offers to others, by either way of exporting. */
export function exportsOf(code: CodeModule): Exports {
  const names = code.nodes.flatMap((node) => exportedBy(code, node));
  return {
    names: names.filter((one) => one.name !== OPAQUE),
    is_opaque: names.some((one) => one.name === OPAQUE),
  };
}

const OPAQUE = '?';

function exportedBy(code: CodeModule, node: Node): ExportedName[] {
  switch (node.type) {
    case 'ExportDefaultDeclaration':
      return [exported(code, 'default', node, node.declaration as Node)];
    case 'ExportAllDeclaration':
      return [
        {
          ...exported(code, node.exported ? nameOf(node.exported) : '*', node),
          from: stringOf(node.source) ?? '',
        },
      ];
    case 'ExportNamedDeclaration':
      return named(code, node);
    case 'AssignmentExpression':
      return commonjs(code, node);
    default:
      return [];
  }
}

function named(code: CodeModule, node: ESTree.ExportNamedDeclaration): ExportedName[] {
  const { declaration } = node;
  const from = node.source ? { from: stringOf(node.source) ?? '' } : {};
  const listed = node.specifiers.map((one) => ({
    ...exported(code, nameOf(one.exported), one, one.local),
    ...from,
  }));
  if (!declaration) return listed;
  if (declaration.type !== 'VariableDeclaration')
    return declaration.id ? [exported(code, declaration.id.name, declaration, declaration.id)] : [];
  return declaration.declarations.flatMap(({ id }) =>
    bound(id).map((name) => exported(code, name.name, name, name)),
  );
}

/** `module.exports = …`, `module.exports.name = …`, `exports.name = …`. */
function commonjs(code: CodeModule, node: ESTree.AssignmentExpression): ExportedName[] {
  const target = unwrap(node.left);
  if (target.type !== 'MemberExpression') return [];
  const whole = dottedName(target);
  const owner = dottedName(target.object);
  if (whole === 'module.exports') return wholeObject(code, node);
  if (owner !== 'exports' && owner !== 'module.exports') return [];
  const name = memberName(target);
  return [exported(code, name ?? OPAQUE, node, node.right)];
}

function wholeObject(code: CodeModule, node: ESTree.AssignmentExpression): ExportedName[] {
  const value = unwrap(node.right);
  if (value.type === 'ObjectExpression') {
    return value.properties.map((one) =>
      one.type === 'Property'
        ? exported(code, keyOf(one) ?? OPAQUE, one, one.value)
        : exported(code, OPAQUE, one),
    );
  }
  const is_plain = isFunction(value) || value.type === 'Identifier' || value.type === 'ClassExpression';
  return [exported(code, 'default', node, value), ...(is_plain ? [] : [exported(code, OPAQUE, node)])];
}

function exported(code: CodeModule, name: string, at: Node, value?: Node): ExportedName {
  const variable = value ? code.variableOf(value) : undefined;
  const fn = value && isFunction(value) ? value : functionOf(variable);
  const uses =
    variable?.references.filter((one) => !isInside(one.identifier as Node, at) && one.isRead()) ?? [];
  const inside = uses.filter(({ identifier }) => !isFunction(fn) || !isInside(identifier as Node, fn));
  return {
    name,
    span: spanOf(variable ? declarationOf(variable.identifiers[0] ?? at) : at),
    is_async: isFunction(fn) && fn.async === true,
    is_used_inside: inside.some((one) => !isExporting(one.identifier as Node)),
  };
}

/** The statement that makes the name, without the `export` before it. */
function declarationOf(identifier: Node): Node {
  const parent = parentOf(identifier);
  return parent && /^(Function|Class)Declaration$/.test(parent.type) ? parent : identifier;
}

function isExporting(identifier: Node): boolean {
  const parent = parentOf(identifier);
  if (parent?.type === 'ExportSpecifier' || parent?.type === 'ExportDefaultDeclaration') return true;
  if (parent?.type === 'AssignmentExpression') return /exports/.test(dottedName(parent.left));
  const object = parent?.type === 'Property' ? parentOf(parent) : undefined;
  const assignment = object ? parentOf(object) : undefined;
  return assignment?.type === 'AssignmentExpression' && dottedName(assignment.left) === 'module.exports';
}

function bound(pattern: Node): ESTree.Identifier[] {
  if (pattern.type === 'Identifier') return [pattern];
  if (pattern.type === 'ObjectPattern')
    return pattern.properties.flatMap((one) => bound(one.type === 'Property' ? one.value : one.argument));
  if (pattern.type === 'ArrayPattern') return pattern.elements.flatMap((one) => (one ? bound(one) : []));
  return pattern.type === 'AssignmentPattern' ? bound(pattern.left) : [];
}

function nameOf(node: Node): string {
  return node.type === 'Identifier' ? node.name : (stringOf(node) ?? OPAQUE);
}
