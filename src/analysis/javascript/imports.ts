import type * as ESTree from 'estree';
import type { ImportedModule } from '../../contract/findings.ts';
import type { CodeModule } from './module.ts';
import { importedName, requiredFrom } from './references.ts';
import {
  enclosingFunction,
  isFunction,
  keyOf,
  memberName,
  type Node,
  parentOf,
  spanOf,
  stringOf,
} from './syntax.ts';

/** Every module that a module names, and what it takes of it. */
export function importsOf(code: CodeModule): ImportedModule[] {
  return code.nodes.flatMap((node) => {
    const found = importAt(code, node);
    return found ? [found] : [];
  });
}

function importAt(code: CodeModule, node: Node): ImportedModule | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
      return declared(code, node);
    case 'ExportAllDeclaration':
      return made(node, stringOf(node.source), ['*'], isTypeOnly(node));
    case 'ExportNamedDeclaration':
      return node.source
        ? made(
            node,
            stringOf(node.source),
            node.specifiers.map((one) => nameOf(one.local)),
            isTypeOnly(node),
          )
        : undefined;
    case 'ImportExpression':
      return loaded(node, stringOf(node.source) ?? prefixOf(node.source), true);
    case 'CallExpression': {
      if (node.callee.type !== 'Identifier' || !/^require$/.test(node.callee.name)) return undefined;
      const [source] = node.arguments;
      const is_late = enclosingFunction(node) !== undefined;
      return source ? loaded(node, requiredFrom(node) ?? prefixOf(source), is_late) : undefined;
    }
    default:
      return undefined;
  }
}

function declared(code: CodeModule, node: ESTree.ImportDeclaration): ImportedModule | undefined {
  const names = node.specifiers.flatMap((one) =>
    one.type === 'ImportNamespaceSpecifier' ? membersUsed(code, one.local) : [importedName(one)],
  );
  const only_types = node.specifiers.length > 0 && node.specifiers.every(isTypeOnly);
  return made(node, stringOf(node.source), names, isTypeOnly(node) || only_types);
}

/** Of a namespace only what is taken by name, if that is all that is done with it. */
function membersUsed(code: CodeModule, local: Node): string[] {
  const references = code.variableOf(local)?.references ?? [];
  const names = references.map(({ identifier }) => {
    const parent = parentOf(identifier as Node);
    return parent?.type === 'MemberExpression' && parent.object === identifier
      ? (memberName(parent) ?? '*')
      : '*';
  });
  return [...new Set(names)];
}

function loaded(node: Node, specifier: string | undefined, deferred: boolean): ImportedModule | undefined {
  let outer = parentOf(node);
  if (outer?.type === 'AwaitExpression') outer = parentOf(outer);
  const names = takenNames(outer);
  return made(node, specifier, names, deferred);
}

function takenNames(outer: Node | undefined): string[] {
  if (outer?.type === 'MemberExpression') return [memberName(outer) ?? '*'];
  if (outer?.type !== 'VariableDeclarator' || outer.id.type !== 'ObjectPattern') return ['*'];
  return outer.id.properties.map((one) =>
    one.type === 'Property' ? (keyOf(one as unknown as ESTree.Property) ?? '*') : '*',
  );
}

/** `./routes/${name}.js`: everything in the folder may be meant. */
function prefixOf(source: Node): string | undefined {
  if (isFunction(source) || source.type !== 'TemplateLiteral') return undefined;
  const start = source.quasis[0]?.value.cooked ?? '';
  return start.startsWith('.') && start.includes('/')
    ? `${start.slice(0, start.lastIndexOf('/') + 1)}*`
    : undefined;
}

function made(
  node: Node,
  specifier: string | undefined,
  names: string[],
  deferred: boolean,
): ImportedModule | undefined {
  return specifier === undefined ? undefined : { specifier, span: spanOf(node), names, deferred };
}

function isTypeOnly(node: Node): boolean {
  const { importKind, exportKind } = node as { importKind?: string; exportKind?: string };
  return importKind === 'type' || exportKind === 'type';
}

function nameOf(node: Node): string {
  return node.type === 'Identifier' ? node.name : (stringOf(node) ?? '*');
}
