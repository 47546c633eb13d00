import type { FileFacts, ImportedModule } from '../../contract/findings.ts';
import { ownRule } from '../rule-hit.ts';
import type { TreeHit } from './tree-hit.ts';
import type { Tree } from './resolve.ts';

const CYCLE = ownRule('static', 'dependency-cycle', 'warning', {
  help: 'Move what both need into a third module, or hand it over as a parameter.',
});
const MAX_NAMED = 8;

interface Step {
  path: string;
  edges: { to: string; by: ImportedModule }[];
  at: number;
}

/**
 * Modules that import one another. Of the imports on a cycle the one is told that leads from the module most stand on to one that
 * itself stands on more: the direction that a change does least harm to turn (dependencies should go towards what is stable).
 */
export function findCycles(tree: Tree): TreeHit[] {
  const hits: TreeHit[] = [];
  const done = new Set<string>();
  const edges = new Map([...tree.files.values()].map((file) => [file.path, edgesOf(tree, file)]));
  const instability = instabilities(edges);
  for (const root of rootsFirst(edges)) {
    const trail: Step[] = [];
    const open = new Map<string, number>();
    const enter = (path: string): void => {
      open.set(path, trail.length);
      trail.push({ path, edges: edges.get(path) ?? [], at: 0 });
    };
    if (!done.has(root)) enter(root);
    for (let step = trail.at(-1); step; step = trail.at(-1)) {
      const edge = step.edges[step.at++];
      if (!edge) {
        done.add(step.path);
        open.delete(step.path);
        trail.pop();
        continue;
      }
      const start = open.get(edge.to);
      if (start !== undefined) hits.push(hitOf(trail.slice(start), instability));
      else if (!done.has(edge.to)) enter(edge.to);
    }
  }
  return hits;
}

function edgesOf(tree: Tree, file: FileFacts): { to: string; by: ImportedModule }[] {
  return file.imports
    .filter((one) => !one.deferred && !one.specifier.endsWith('*'))
    .flatMap((by) => tree.resolve(file.path, by.specifier).map((to) => ({ to, by })))
    .filter(({ to }) => to !== file.path);
}

/** Modules that nobody imports are where loading begins. */
function rootsFirst(edges: ReadonlyMap<string, { to: string }[]>): string[] {
  const imported = new Set([...edges.values()].flatMap((all) => all.map((one) => one.to)));
  const paths = [...edges.keys()].sort();
  return [...paths.filter((path) => !imported.has(path)), ...paths.filter((path) => imported.has(path))];
}

/** Of each module the share of its own imports in all that go out of it or come in: 0 for what all stand on. */
function instabilities(edges: ReadonlyMap<string, { to: string }[]>): Map<string, number> {
  const incoming = new Map<string, number>();
  for (const all of edges.values()) for (const { to } of all) incoming.set(to, (incoming.get(to) ?? 0) + 1);
  return new Map(
    [...edges].map(([path, { length }]) => [path, length / Math.max(1, length + (incoming.get(path) ?? 0))]),
  );
}

/** The steps of a cycle; the edge each has just gone leads to the next. */
function hitOf(cycle: readonly Step[], instability: ReadonlyMap<string, number>): TreeHit {
  const of = (path: string): number => instability.get(path) ?? 0;
  const [blamed] = cycle
    .flatMap(({ path, edges, at }) => {
      const edge = edges[at - 1];
      return edge ? [{ path, edge, climbs: of(edge.to) - of(path) }] : [];
    })
    .sort((a, b) => b.climbs - a.climbs);
  const paths = cycle.map((one) => one.path);
  const named = paths.length > MAX_NAMED ? [...paths.slice(0, MAX_NAMED), '…'] : paths;
  const message = `These modules import one another: ${[...named, paths[0] ?? ''].join(' → ')}.`;
  const { path = '', edge } = blamed ?? {};
  const span = edge?.by.span ?? { line: 1, column: 1, end_line: 1, end_column: 1 };
  return { path, rule: CYCLE, message, span, symbol: '', snippet: edge?.by.specifier ?? '' };
}
