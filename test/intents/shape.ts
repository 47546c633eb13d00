import { PLANNED_TYPES, type IntentCatalogue } from '../../src/contract/intent.ts';
import { NODE_TYPES, type Definition, type DefinitionNode } from '../../src/contract/definition.ts';
import { PROJECT_WORKFLOWS } from '../fixtures/intents.ts';

/** What the fixtures' project has to plan with. */
export const CATALOGUE: IntentCatalogue = {
  workflows: PROJECT_WORKFLOWS.map((workflow) => ({ ...workflow })),
  types: [...PLANNED_TYPES],
  node_types: [...NODE_TYPES],
};

/** A definition in the words of the fixtures: `>` between stages, `+` within one; `none` for no definition. */
export function shapeOf(definition: Definition): string {
  const stages = new Map<number, string[]>();
  const depths = new Map<string, number>();
  const depthOf = (id: string): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    const depth = Math.max(-1, ...(definition.nodes[id]?.needs ?? []).map(depthOf)) + 1;
    depths.set(id, depth);
    return depth;
  };
  for (const [id, node] of Object.entries(definition.nodes)) {
    const depth = depthOf(id);
    stages.set(depth, [...(stages.get(depth) ?? []), kindOf(node)]);
  }
  return [...stages.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, kinds]) => kinds.join(' + '))
    .join(' > ');
}

function kindOf(node: DefinitionNode): string {
  if (node.type !== 'run') return node.type;
  return node.config.type ?? `run:${node.config.workflow ?? ''}`;
}
