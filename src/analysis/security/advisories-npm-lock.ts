interface Pin {
  name: string;
  version: string;
  line: number;
}

/** Packages of a `package-lock.json` that npm 7 or later wrote. */
export function npmPackages(text: string): Pin[] {
  const lines = linesOfKeys(text);
  return Object.entries(packagesIn(text)).flatMap(([at, entry]) => {
    const { name: own, version } = (entry ?? {}) as { name?: unknown; version?: unknown };
    const folder = at.split('node_modules/');
    // What is no dependency is a part of the repository itself.
    if (folder.length < 2 || typeof version !== 'string') return [];
    const name = typeof own === 'string' ? own : folder.at(-1)!;
    return name === '' ? [] : [{ name, version, line: lines.get(at) ?? 1 }];
  });
}

function packagesIn(text: string): Record<string, unknown> {
  try {
    const lock: unknown = JSON.parse(text);
    const packages = (lock as { packages?: unknown } | null)?.packages;
    return typeof packages === 'object' && packages !== null ? (packages as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function linesOfKeys(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const [i, line] of text.split('\n').entries()) {
    const [, key] = /^\s{0,20}"([^"]{1,500})":/.exec(line) ?? [];
    if (key?.includes('node_modules/')) lines.set(key, i + 1);
  }
  return lines;
}
