import type { FileFacts } from '../../contract/findings.ts';

export interface Tree {
  files: ReadonlyMap<string, FileFacts>;
  /** The files a specifier in a file stands for: none when it is a package's, or is not there. */
  resolve(from: string, specifier: string): string[];
}

const ENDINGS = [
  '',
  '.ts',
  '.tsx',
  '.js',
  '.mjs',
  '.cjs',
  '.jsx',
  '.mts',
  '.cts',
  '/index.ts',
  '/index.tsx',
  '/index.js',
  '/index.mjs',
  '/index.cjs',
  '/index.jsx',
];
const ALIASES = /^(?:[@~]\/|#|src\/)/;

/** The files of a tree, and what their specifiers mean there. */
export function treeOf(all: readonly FileFacts[]): Tree {
  const files = new Map(all.map((one) => [one.path, one]));
  const by_tail = new Map<string, string[]>();
  for (const path of files.keys()) {
    const tail = withoutEnding(path).split('/').at(-1) ?? '';
    by_tail.set(tail, [...(by_tail.get(tail) ?? []), path]);
  }
  const candidates = (path: string): string[] => {
    // Compilers let TypeScript files be named as the JavaScript that they become.
    const bases = [path, ...(/\.[cm]?jsx?$/.test(path) ? [path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')] : [])];
    const found = bases
      .flatMap((base) => ENDINGS.map((ending) => base + ending))
      .find((one) => files.has(one));
    return found === undefined ? [] : [found];
  };
  const resolve = (from: string, specifier: string): string[] => {
    if (specifier.startsWith('.') || specifier.startsWith('/')) {
      const path = joined(from.slice(0, Math.max(0, from.lastIndexOf('/'))), specifier);
      if (path.endsWith('*')) return [...files.keys()].filter((one) => one.startsWith(path.slice(0, -1)));
      return candidates(path);
    }
    if (!ALIASES.test(specifier)) return [];
    const rest = withoutEnding(specifier.replace(ALIASES, ''));
    const last = rest.split('/').at(-1) ?? '';
    return (by_tail.get(last) ?? []).filter((path) => `/${withoutEnding(path)}`.endsWith(`/${rest}`));
  };
  return { files, resolve };
}

/** `src/routes` and `../lib/x.js` → `src/lib/x.js`. */
export function joined(folder: string, specifier: string): string {
  const parts = specifier.startsWith('/') ? [] : folder.split('/').filter((part) => part !== '');
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

function withoutEnding(path: string): string {
  return path.replace(/\.[cm]?[jt]sx?$/, '');
}
