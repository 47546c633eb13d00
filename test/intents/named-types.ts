import type { Definition, DefinitionNode } from '../../src/contract/definition.ts';

/** A definition whose `run` nodes name a workflow where they named a built-in type, for a validation that knows none yet. */
export function withNamedTypes(definition: Definition): Definition {
  const nodes = Object.entries(definition.nodes).map(([id, node]) => [id, named(node)] as const);
  return { ...definition, nodes: Object.fromEntries(nodes) };
}

function named(node: DefinitionNode): DefinitionNode {
  if (node.type === 'map') return { ...node, config: { ...node.config, node: named(node.config.node) } };
  if (node.type !== 'run' || node.config.type === undefined) return node;
  const { type, ...config } = node.config;
  return { ...node, config: { ...config, workflow: type } };
}
