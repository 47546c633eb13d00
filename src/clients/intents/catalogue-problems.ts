import type { Definition, DefinitionNode } from '../../contract/definition.ts';
import type { Problem } from '../../contract/errors.ts';
import type { IntentCatalogue } from '../../contract/intent.ts';

/** What of a definition is not in the catalogue that it was to be made of. */
export function catalogueProblems({ nodes }: Definition, catalogue: IntentCatalogue): Problem[] {
  const workflows = new Set(catalogue.workflows.map(({ name }) => name));
  const problemsOf = (node: DefinitionNode, path: string): Problem[] => {
    const found: Problem[] = catalogue.node_types.some((type) => type === node.type)
      ? []
      : [{ path: `${path}/type`, message: `"${node.type}" is not available here` }];
    if (node.compensate) found.push(...problemsOf(node.compensate, `${path}/compensate`));
    if (node.type === 'map' && node.config.node)
      found.push(...problemsOf(node.config.node, `${path}/config/node`));
    if (node.type !== 'run') return found;
    const { workflow, type } = node.config;
    if (workflow !== undefined && !workflows.has(workflow)) {
      found.push({ path: `${path}/config/workflow`, message: 'is no workflow of the catalogue' });
    }
    if (type !== undefined && !catalogue.types.includes(type)) {
      found.push({ path: `${path}/config/type`, message: 'is no type of the catalogue' });
    }
    return found;
  };
  return Object.entries(nodes).flatMap(([id, node]) => problemsOf(node, `/nodes/${id}`));
}
