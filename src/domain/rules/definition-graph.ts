import { ancestorsOf, cyclesOf } from '../../language/graph.ts';
import type { NodeSet } from '../../language/graph.ts';
import { isRecord } from './definition-shape.ts';
import type { Site } from './definition-shape.ts';

/** `needs` of each node as far as it has the right shape; shape problems are reported elsewhere. */
export function needsOf(nodes: Readonly<Record<string, unknown>>): Map<string, string[]> {
  return new Map(
    Object.entries(nodes).map(([id, node]) => {
      const needs: unknown = isRecord(node) ? node['needs'] : undefined;
      return [id, Array.isArray(needs) ? needs.filter((need) => typeof need === 'string') : []];
    }),
  );
}

/**
 * Checks `needs` as a graph and answers the ancestors of each node. A node on or behind a cycle has no answer: its
 * references cannot be judged until the cycle is gone.
 */
export function checkGraph(
  nodes: Readonly<Record<string, unknown>>,
  site: Site,
): ReadonlyMap<string, NodeSet> {
  const needs = needsOf(nodes);
  for (const [id, before] of needs) checkNeeds(before, needs, site.at(id).at('needs'));
  for (const cycle of cyclesOf(needs)) {
    const [first = ''] = cycle;
    const names = cycle.length > 20 ? [...cycle.slice(0, 20), '…'] : cycle;
    site
      .at(first)
      .at('needs')
      .report(`needs form a cycle: ${[...names, first].join(' → ')}`);
  }
  return ancestorsOf(needs);
}

function checkNeeds(before: readonly string[], needs: ReadonlyMap<string, unknown>, site: Site): void {
  const seen = new Set<string>();
  before.forEach((need, i) => {
    if (!needs.has(need)) site.at(i).report(`there is no node "${need.slice(0, 64)}"`);
    else if (seen.has(need)) site.at(i).report(`names "${need}" twice`);
    seen.add(need);
  });
}
