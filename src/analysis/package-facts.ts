import type { FileFacts, ImportedModule, SourceFile } from '../contract/findings.ts';
import { emptyFacts } from './empty-facts.ts';

const SCRIPT = /(?:^|[\s=])(\.{0,2}\/?[\w@.-]{1,80}(?:\/[\w@.-]{1,80}){0,8}\.[cm]?[jt]sx?)\b/g;
const ENTRY_FIELDS = [
  'main',
  'module',
  'browser',
  'bin',
  'exports',
  'types',
  'scripts',
  'jest',
  'workspaces',
];
const MAX_DEPTH = 8;

/** A package takes everything of the files that it names: its entries, its programs, what its scripts start. */
export function packageFacts(file: SourceFile): FileFacts {
  const facts = emptyFacts(file);
  const manifest = parse(file.text);
  const texts = ENTRY_FIELDS.flatMap((field) => textsIn(manifest[field], 0));
  const imports = texts.flatMap((text) => [...text.matchAll(SCRIPT)].map(([, name = '']) => entry(name)));
  return { ...facts, imports };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textsIn(value: unknown, depth: number): string[] {
  if (typeof value === 'string') return [value.slice(0, 2_000)];
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return [];
  return Object.values(value).flatMap((one) => textsIn(one, depth + 1));
}

function entry(name: string): ImportedModule {
  const specifier = /^\.{0,2}\//.test(name) ? name : `./${name}`;
  return {
    specifier,
    span: { line: 1, column: 1, end_line: 1, end_column: 1 },
    names: ['*'],
    deferred: true,
  };
}
