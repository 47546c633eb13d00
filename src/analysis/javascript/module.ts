import type { Linter, Scope, SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { isInside, type Node } from './syntax.ts';

export type Variable = Scope.Variable;

/** One parsed module, and what its names stand for. */
export interface CodeModule {
  source: SourceCode;
  /** What ESLint's own rules said while it was parsed. */
  messages: Linter.LintMessage[];
  is_test: boolean;
  /** The text of a node. */
  textOf: (node: Node) => string;
  /** What an identifier stands for, where it is declared in the module. */
  variableOf: (node: Node) => Variable | undefined;
  /** All nodes, each before those inside it. */
  nodes: readonly Node[];
  /** A node and all nodes inside it. */
  within: (node: Node) => Node[];
}

/** Looks at a parsed module once, for all rules. */
export function codeModule(source: SourceCode, messages: Linter.LintMessage[], is_test: boolean): CodeModule {
  const variables = new Map<unknown, Variable>();
  for (const scope of source.scopeManager.scopes) {
    for (const variable of scope.variables)
      for (const identifier of variable.identifiers) variables.set(identifier, variable);
    for (const { identifier, resolved } of scope.references)
      if (resolved && resolved.defs.length > 0) variables.set(identifier, resolved);
  }
  const nodes = nodesOf(source);
  const places = new Map(nodes.map((node, i) => [node, i]));
  return {
    source,
    messages,
    is_test,
    textOf: (node) => source.getText(node),
    variableOf: (node) => variables.get(node),
    nodes,
    within: (node) => subtree(nodes, places.get(node) ?? nodes.length, node),
  };
}

/** Without recursion: how deep a tree is, is up to who wrote it. */
function nodesOf(source: SourceCode): Node[] {
  const nodes: Node[] = [];
  const waiting: Node[] = [source.ast];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    nodes.push(node);
    const keys = source.visitorKeys[node.type] ?? [];
    for (let i = keys.length - 1; i >= 0; i--) waiting.push(...childrenOf(node, keys[i] ?? ''));
  }
  return nodes;
}

function subtree(nodes: readonly Node[], from: number, outer: Node): Node[] {
  let to = from;
  while (to < nodes.length && isInside(nodes[to] as Node, outer)) to++;
  return nodes.slice(from, to);
}

function childrenOf(node: Node, key: string): Node[] {
  const value = (node as unknown as Record<string, Node | (Node | null)[] | null | undefined>)[key];
  if (Array.isArray(value)) return value.filter((one) => one !== null).reverse();
  return value ? [value] : [];
}

/** The only value that a variable ever has, if it has one that is written out at its declaration. */
export function onlyValueOf(variable: Variable | undefined): Node | undefined {
  const [definition, ...others] = variable?.defs ?? [];
  if (definition?.type !== 'Variable' || others.length > 0) return undefined;
  if (definition.node.id.type !== 'Identifier') return undefined;
  const is_written = variable?.references.some((one) => one.isWrite() && one.init !== true);
  return is_written ? undefined : (definition.node.init ?? undefined);
}

/** The function a variable stands for. */
export function functionOf(variable: Variable | undefined): Node | undefined {
  const definition = variable?.defs[0];
  return definition?.type === 'FunctionName' ? definition.node : onlyValueOf(variable);
}

/** Everything that is ever assigned to a variable. */
export function valuesOf(variable: Variable): Node[] {
  return variable.references.flatMap((one) => (one.writeExpr ? [one.writeExpr] : []));
}

export type ParameterOf = { function_node: ESTree.Function; index: number };

/** Which parameter a variable is, or is taken out of. */
export function parameterOf(variable: Variable): ParameterOf | undefined {
  const definition = variable.defs[0];
  if (definition?.type !== 'Parameter') return undefined;
  const function_node = definition.node;
  const [start = 0] = definition.name.range ?? [];
  const index = function_node.params.findIndex(({ range }) => range && range[0] <= start && start < range[1]);
  return index < 0 ? undefined : { function_node, index };
}
