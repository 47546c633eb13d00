/** Questions about a syntax tree that most rules ask. */
import type * as ESTree from 'estree';
import type { SourceSpan } from '../../contract/findings.ts';

export type Node = ESTree.Node;
export type FunctionNode =
  ESTree.FunctionDeclaration | ESTree.FunctionExpression | ESTree.ArrowFunctionExpression;

/** How far chains of names and values are followed. */
const MAX_DEPTH = 40;

export function parentOf(node: Node): Node | undefined {
  return (node as Node & { parent?: Node | null }).parent ?? undefined;
}

export function isFunction(node: Node | null | undefined): node is FunctionNode {
  return (
    node?.type === 'FunctionDeclaration' ||
    node?.type === 'FunctionExpression' ||
    node?.type === 'ArrowFunctionExpression'
  );
}

/** The nodes around one, from the inside to the outside. */
export function* ancestorsOf(node: Node): Generator<Node> {
  for (let at = parentOf(node); at; at = parentOf(at)) yield at;
}

export function enclosingFunction(node: Node): FunctionNode | undefined {
  for (const around of ancestorsOf(node)) if (isFunction(around)) return around;
  return undefined;
}

/** The value itself, without `a?.b` chains and what TypeScript wraps around it. */
export function unwrap(node: Node): Node {
  let at = node;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const { type, expression } = at as { type: string; expression?: unknown };
    if (type !== 'ChainExpression' && !/^TS(As|NonNull|Satisfies|TypeAssertion)/.test(type)) return at;
    at = expression as Node;
  }
  return at;
}

/** The value that a promise is awaited for, or the value. */
export function unwrapAwait(node: Node): Node {
  const inner = unwrap(node);
  return inner.type === 'AwaitExpression' ? unwrap(inner.argument) : inner;
}

/** `req.query.id` as text, calls as `()`, what has no name as empty parts: `db.prepare().get`. */
export function dottedName(node: Node, depth = 0): string {
  const at = unwrap(node);
  if (depth > MAX_DEPTH) return '';
  if (at.type === 'Identifier') return at.name;
  if (at.type === 'ThisExpression') return 'this';
  if (at.type === 'CallExpression') return `${dottedName(at.callee, depth + 1)}()`;
  if (at.type === 'NewExpression') return `new ${dottedName(at.callee, depth + 1)}()`;
  if (at.type === 'AwaitExpression') return dottedName(at.argument, depth + 1);
  if (at.type === 'ImportExpression') return 'import()';
  if (at.type !== 'MemberExpression') return '';
  return `${dottedName(at.object, depth + 1)}.${memberName(at) ?? '[]'}`;
}

/** The name behind the last point: of `a.b.c()` it is `c`. */
export function lastName(node: Node): string {
  const at = unwrap(node);
  if (at.type === 'Identifier') return at.name;
  return at.type === 'MemberExpression' ? (memberName(at) ?? '') : '';
}

/** The property that is taken, if the text says which. */
export function memberName(node: ESTree.MemberExpression): string | undefined {
  if (!node.computed && node.property.type === 'Identifier') return node.property.name;
  if (node.property.type === 'PrivateIdentifier') return node.property.name;
  return stringOf(node.property);
}

/** A text that is written out. */
export function stringOf(node: Node | null | undefined): string | undefined {
  if (node?.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node?.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined;
  return node.quasis[0]?.value.cooked ?? undefined;
}

/** The value of a property in an object that is written out. */
export function propertyOf(node: Node | null | undefined, name: string): Node | undefined {
  if (node?.type !== 'ObjectExpression') return undefined;
  for (const one of node.properties) if (one.type === 'Property' && keyOf(one) === name) return one.value;
  return undefined;
}

export function keyOf(node: ESTree.Property | ESTree.PropertyDefinition | ESTree.MethodDefinition) {
  if (!node.computed && node.key.type === 'Identifier') return node.key.name;
  return stringOf(node.key);
}

/** What a function is called, by itself or by where it is put; empty when it has no name. */
export function functionName(node: FunctionNode): string {
  if (node.type !== 'ArrowFunctionExpression' && node.id) return node.id.name;
  const parent = parentOf(node);
  if (parent?.type === 'VariableDeclarator') return lastName(parent.id);
  if (parent?.type === 'AssignmentExpression') return lastName(parent.left);
  if (parent?.type === 'Property' || parent?.type === 'MethodDefinition') return keyOf(parent) ?? '';
  return parent?.type === 'PropertyDefinition' ? (keyOf(parent) ?? '') : '';
}

/** The names of the functions around a node, outermost first. */
export function symbolOf(node: Node): string {
  const names: string[] = isFunction(node) ? [functionName(node)] : [];
  for (const around of ancestorsOf(node)) if (isFunction(around)) names.push(functionName(around));
  return names
    .filter((name) => name !== '')
    .reverse()
    .join('.');
}

export function spanOf(node: Pick<Node, 'loc'>): SourceSpan {
  const { start, end } = node.loc ?? { start: { line: 1, column: 0 }, end: { line: 1, column: 0 } };
  return { line: start.line, column: start.column + 1, end_line: end.line, end_column: end.column + 1 };
}

export function isInside(node: Node, outer: Node): boolean {
  const [from, to] = outer.range ?? [0, 0];
  const [start, end] = node.range ?? [-1, -1];
  return start >= from && end <= to;
}

/** The statement, or the member of a class, that a node belongs to. */
export function statementOf(node: Node): Node {
  let at = node;
  for (const around of ancestorsOf(node)) {
    if (around.type === 'Program' || around.type === 'BlockStatement' || around.type === 'ClassBody') break;
    if (isFunction(around)) break;
    at = around;
  }
  return at;
}
