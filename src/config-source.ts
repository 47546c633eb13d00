import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ENVIRONMENT_ONLY, SETTINGS, type Setting } from './config-settings.ts';

export type Env = Readonly<Record<string, string | undefined>>;
type Tree = Record<string, unknown>;

/** The raw tree, and where each value came from, for the messages. */
export interface Source {
  tree: Tree;
  origins: Map<string, string>;
  problems: string[];
  warnings: string[];
}

/** Reads file and environment; what is wrong with them is collected, not thrown. */
export function readSource(env: Env, cwd: string): Source {
  const source: Source = { tree: {}, origins: new Map(), problems: [], warnings: [] };
  readFile(source, env, cwd);
  for (const setting of SETTINGS) {
    const name = [setting.env, ...(setting.aliases ?? [])].find((candidate) => given(env, candidate));
    if (name !== undefined) put(source, setting, env[name], name);
  }
  databaseParts(source, env);
  warnUnknown(source, env);
  return source;
}

function readFile(source: Source, env: Env, cwd: string): void {
  const named = given(env, 'ORCHESTRATOR_CONFIG') ? env.ORCHESTRATOR_CONFIG : undefined;
  const file = path.resolve(cwd, named ?? 'config.yaml');
  try {
    const content = parseYaml(readFileSync(file, 'utf8'));
    if (isTree(content)) source.tree = content;
    else if (content !== null) source.problems.push(`${file}: must be a mapping of settings`);
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (absent && named === undefined) return;
    source.problems.push(
      absent ? `ORCHESTRATOR_CONFIG: there is no ${file}` : `${file}: ${firstLine(error)}`,
    );
  }
}

/** The parser takes 9 MB of memory, so that only a process that has a file loads it. */
function parseYaml(text: string): unknown {
  const { parse } = createRequire(import.meta.url)('yaml') as { parse: (text: string) => unknown };
  return parse(text);
}

function put(source: Source, setting: Setting, value: unknown, origin: string): void {
  let tree = source.tree;
  for (const name of setting.path.slice(0, -1)) {
    if (!isTree(tree[name])) tree[name] = {};
    tree = tree[name] as Tree;
  }
  tree[setting.path.at(-1)!] = value;
  source.origins.set(setting.key, origin);
}

/** `DB_HOST`, `DB_PORT`, `DB_NAME` stand in for a URL that was not given. */
function databaseParts(source: Source, env: Env): void {
  const database = source.tree.database;
  const has_url = isTree(database) && database.url != null;
  if (has_url || !['DB_HOST', 'DB_PORT', 'DB_NAME'].some((name) => given(env, name))) return;
  if (env.DB_PORT && !/^\d{1,5}$/.test(env.DB_PORT)) source.problems.push('DB_PORT: must be a port number');
  const url = new URL('postgres://localhost');
  url.hostname = env.DB_HOST || 'localhost';
  url.port = env.DB_PORT || '5432';
  url.pathname = `/${env.DB_NAME || 'orchestrator'}`;
  url.username = env.DB_USER || 'postgres';
  if (env.DB_PASSWORD) url.password = env.DB_PASSWORD;
  const setting = SETTINGS.find((candidate) => candidate.key === 'database.url')!;
  put(source, setting, url.href, 'DB_HOST, DB_PORT, DB_NAME');
}

/** Kubernetes adds names of its own for a service called "orchestrator"; they are not typing errors. */
const OF_KUBERNETES = /_SERVICE_HOST$|_SERVICE_PORT(_|$)|^ORCHESTRATOR_PORT(_|$)/;

function warnUnknown(source: Source, env: Env): void {
  const known = new Set([
    ...SETTINGS.flatMap((s) => [s.env, ...(s.aliases ?? [])]),
    ...Object.keys(ENVIRONMENT_ONLY),
  ]);
  for (const name of Object.keys(env)) {
    if (!name.startsWith('ORCHESTRATOR_') || known.has(name) || OF_KUBERNETES.test(name)) continue;
    source.warnings.push(`${name} is not a setting`);
  }
}

/** Whether somebody chose the value, rather than leaving it to the default. */
export function isChosen(source: Source, key: string): boolean {
  let value: unknown = source.tree;
  for (const name of key.split('.')) value = isTree(value) ? value[name] : undefined;
  return value != null;
}

const given = (env: Env, name: string): boolean => env[name] !== undefined && env[name].trim() !== '';
const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n')[0]!;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
