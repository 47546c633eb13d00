/** What the tidy rules look at: every module with its imports and shape, read with the TypeScript parser. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { nodeFacts, type FunctionFact, type ImportFact } from './node-facts.ts';

export interface Module {
  /** From the repository's root, with `/`: `src/domain/tags.ts`. */
  path: string;
  text: string;
  lines: number;
  imports: ImportFact[];
  functions: FunctionFact[];
  /** Lines that read the environment. */
  env_reads: number[];
  /** Lines of `import(…)` and `require(…)` whose argument is not a plain string. */
  hidden_imports: number[];
  default_exports: number[];
  /** Lines of `export * from`. */
  star_exports: number[];
  /** Nothing but imports and exports of other modules' things. */
  only_re_exports: boolean;
}

/** The folders that hold product code; `test/` is exempt from these rules. */
export const PRODUCT_ROOTS = ['src', 'workflows', 'activities', 'worker', 'examples'] as const;

/** Reads all product modules below the repository's root. */
export function readProduct(root: string): Module[] {
  return PRODUCT_ROOTS.flatMap((folder) => sourceFiles(root, folder)).map((file) =>
    parseModule(file, readFileSync(path.join(root, file), 'utf8')),
  );
}

/** Parses one module; the path may be of a file that exists only in a test. */
export function parseModule(file: string, text: string): Module {
  const kind = /\.[cm]?js$/.test(file) ? ts.ScriptKind.JS : ts.ScriptKind.TS;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind);
  return {
    path: file,
    text,
    lines: countLines(text),
    ...nodeFacts(source),
    only_re_exports: isOnlyReExports(source),
  };
}

function sourceFiles(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[tj]s$/.test(entry.name) && !entry.name.endsWith('.test.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

function countLines(text: string): number {
  return text.replace(/\n$/, '').split('\n').length;
}

function isOnlyReExports(source: ts.SourceFile): boolean {
  const statements = source.statements;
  return (
    statements.some((statement) => ts.isExportDeclaration(statement)) &&
    statements.every((statement) => ts.isExportDeclaration(statement) || ts.isImportDeclaration(statement))
  );
}
