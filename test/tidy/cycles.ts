import { resolveRelative } from './layers.ts';
import type { Module } from './modules.ts';

/** Import cycles, each as the paths around it with the first one repeated at the end. */
export function findCycles(modules: readonly Module[]): string[][] {
  const graph = importGraph(modules);
  const done = new Set<string>();
  const cycles: string[][] = [];
  const walk = (file: string, trail: string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) cycles.push([...trail.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return cycles;
}

function importGraph(modules: readonly Module[]): Map<string, string[]> {
  const known = new Set(modules.map((m) => m.path));
  return new Map(
    modules.map((m) => [
      m.path,
      m.imports.flatMap(({ specifier }) => {
        const target = resolveRelative(m.path, specifier);
        return target !== undefined && known.has(target) ? [target] : [];
      }),
    ]),
  );
}
