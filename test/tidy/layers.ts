/** Which module belongs to which layer, and who may import whom. `docs/architecture.md` shows the same table. */
import path from 'node:path';

const SRC_LAYERS = [
  'contract',
  'language',
  'analysis',
  'intents',
  'spec-engine',
  'persistence',
  'clients',
  'sandbox',
  'domain',
  'api',
  'dev',
] as const;
export type Layer =
  (typeof SRC_LAYERS)[number] | 'main' | 'wiring' | 'workflows' | 'activities' | 'worker' | 'examples';

/** `wiring` is every module directly in `src/` but `main.ts`. Its own layer is always allowed. */
export const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  contract: [],
  language: ['contract'],
  analysis: ['contract', 'language'],
  intents: ['contract', 'language'],
  'spec-engine': ['contract', 'language', 'intents'],
  persistence: ['contract'],
  clients: ['contract'],
  sandbox: ['contract'],
  domain: ['contract', 'language', 'analysis', 'intents', 'persistence', 'clients', 'sandbox'],
  api: ['contract', 'domain'],
  workflows: ['contract', 'language'],
  activities: ['contract', 'language', 'domain'],
  worker: ['contract', 'activities', 'wiring'],
  wiring: [...SRC_LAYERS],
  // Workflows are not here: Temporal bundles them from a path, nobody imports them.
  main: [...SRC_LAYERS, 'wiring', 'activities', 'worker'],
  dev: [...SRC_LAYERS, 'wiring', 'main', 'activities', 'worker'],
  examples: [],
};

/** The layer of a module, or undefined when the tree has no such place. */
export function layerOf(file: string): Layer | undefined {
  const [top, second, ...rest] = file.split('/');
  if (top === 'workflows' || top === 'activities' || top === 'worker' || top === 'examples') return top;
  if (top !== 'src' || second === undefined) return undefined;
  if (rest.length === 0) return second === 'main.ts' ? 'main' : 'wiring';
  return SRC_LAYERS.find((layer) => layer === second);
}

export function isImportAllowed(from: string, to: string): boolean {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (!source || !target) return false;
  return source === target || MAY_IMPORT[source].includes(target);
}

/** The file a relative specifier names, from the repository's root; undefined for packages. */
export function resolveRelative(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : undefined;
}

/** The package of a bare specifier: `@temporalio/client/lib/x` → `@temporalio/client`. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.')) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}
