import type { SourceLanguage } from '../contract/findings.ts';

const LANGUAGES: Readonly<Record<string, SourceLanguage>> = {
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsx: 'javascript',
  ts: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  tsx: 'typescript',
  py: 'python',
  sh: 'shell',
  bash: 'shell',
};

/** The language of a file by its name. */
export function languageOf(path: string): SourceLanguage {
  return LANGUAGES[extensionOf(path)] ?? 'other';
}

/** What stands behind the last point of a file's name, in lower case; empty when there is none. */
export function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const point = name.lastIndexOf('.');
  return point <= 0 ? '' : name.slice(point + 1).toLowerCase();
}

const TEST_FOLDERS = new Set(['test', 'tests', '__tests__', '__mocks__', 'spec', 'fixtures', 'e2e']);

/** Whether a file holds tests or what only tests use: what is right there may be wrong in a product. */
export function isTestPath(path: string): boolean {
  const folders = path.split('/');
  const name = folders.pop() ?? '';
  return folders.some((folder) => TEST_FOLDERS.has(folder)) || /[._-](test|spec)\.[a-z]+$|^test_/.test(name);
}
