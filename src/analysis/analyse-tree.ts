import { FINDING_AREAS, type FileFacts, type Finding, type FindingArea } from '../contract/findings.ts';
import { toFindings } from './fingerprint.ts';
import { OWN_TOOL } from './rule-hit.ts';
import { findBlocking, findFlows, findLostPromises, findQueriesInLoops } from './tree/behaviour.ts';
import { callsIn } from './tree/calls.ts';
import { findCycles } from './tree/cycles.ts';
import { findCopies } from './tree/duplication.ts';
import { findExportMistakes } from './tree/exports.ts';
import { treeOf } from './tree/resolve.ts';
import type { TreeHit } from './tree/tree-hit.ts';

/** What can only be seen of all files together. Deterministic; reads nothing but the facts. */
export function analyseTree(
  files: readonly FileFacts[],
  areas: readonly FindingArea[] = FINDING_AREAS,
): Finding[] {
  const tree = treeOf([...files].sort((a, b) => (a.path < b.path ? -1 : 1)));
  const calls = callsIn(tree);
  const by_area: Record<FindingArea, () => TreeHit[]> = {
    static: () => [
      ...findCycles(tree),
      ...findExportMistakes(tree),
      ...findCopies(tree),
      ...findLostPromises(calls),
    ],
    security: () => findFlows(calls),
    performance: () => [...findBlocking(calls), ...findQueriesInLoops(calls)],
  };
  const by_path = new Map<string, TreeHit[]>();
  for (const hit of FINDING_AREAS.filter((area) => areas.includes(area)).flatMap((area) => by_area[area]()))
    by_path.set(hit.path, appended(by_path.get(hit.path), hit));
  return [...by_path].flatMap(([path, hits]) =>
    toFindings(
      path,
      hits.map(({ path: _path, ...hit }) => ({ ...hit, tool: OWN_TOOL })),
    ),
  );
}

function appended<T>(list: T[] = [], item: T): T[] {
  list.push(item);
  return list;
}
