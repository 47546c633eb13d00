import type { Definition, DefinitionNode } from '../../contract/definition.ts';

/**
 * A plan in which what fails takes with it only what needs it (contract §7: a failed dependency is skipped, everything else goes
 * on): every node lets the run go on, and runs itself only where all it needs went well, or its own guard looks at how that went.
 */
export function tolerant(definition: Definition): Definition {
  const nodes = Object.entries(definition.nodes).map(([id, node]) => [id, tolerantNode(node)] as const);
  return { ...definition, nodes: Object.fromEntries(nodes) };
}

function tolerantNode(node: DefinitionNode): DefinitionNode {
  const own = node.if === undefined ? undefined : node.if.replace(/^\s*\$\{\{|\}\}\s*$/g, '').trim();
  const unguarded = (node.needs ?? []).filter((id) => own === undefined || !looksAt(own, id));
  const conditions = unguarded.map((id) => `steps.${id}.state == 'succeeded'`);
  const all = own === undefined ? conditions : [`(${own})`, ...conditions];
  return {
    ...node,
    continue_on_error: true,
    ...(all.length === 0 ? {} : { if: `\${{ ${all.join(' && ')} }}` }),
  };
}

/** Whether a guard speaks of a step: then it says itself what becomes of a failure. */
const looksAt = (guard: string, id: string): boolean => new RegExp(`\\bsteps\\.${id}\\b`).test(guard);
