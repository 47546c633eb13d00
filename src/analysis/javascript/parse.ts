import * as typescriptParser from '@typescript-eslint/parser';
import { Linter } from 'eslint';
import type { SourceLanguage } from '../../contract/findings.ts';
import { isTestPath } from '../source-language.ts';
import { coreRules } from './core-rules.ts';
import { KNOWN_GLOBALS } from './globals.ts';
import { type CodeModule, codeModule } from './module.ts';

export type Parsed = { code: CodeModule } | { problem: { message: string; line: number; column: number } };

export interface ParseRequest {
  path: string;
  text: string;
  language: SourceLanguage;
  /** Run ESLint's own rules as well. */
  with_core_rules: boolean;
}

type SourceType = 'module' | 'commonjs' | 'script';

/**
 * Parses JavaScript or TypeScript, with JSX. Only our settings count: configuration, plugins and comments of the analysed
 * repository are not obeyed, for they would run or hide what its author likes.
 */
export function parseCode(request: ParseRequest): Parsed {
  const attempts = attemptsFor(request);
  let first: Parsed | undefined;
  for (const attempt of attempts) {
    const parsed = tryParse(request, attempt);
    if ('code' in parsed) return parsed;
    first ??= parsed;
  }
  return first ?? { problem: { message: 'There is no way to read it.', line: 1, column: 1 } };
}

interface Attempt {
  source_type: SourceType;
  typescript: boolean;
}

function attemptsFor({ path, text, language }: ParseRequest): Attempt[] {
  const typescript = language === 'typescript';
  if (typescript) return [{ source_type: 'module', typescript }];
  const looks_like_module = /^\s{0,40}(import|export)\b/m.test(text) || path.endsWith('.mjs');
  const order: SourceType[] = looks_like_module ? ['module', 'commonjs'] : ['commonjs', 'module'];
  // Decorators and the like are no JavaScript yet; TypeScript's parser knows them.
  return [
    ...order.map((source_type) => ({ source_type, typescript })),
    { source_type: 'module', typescript: true },
  ];
}

function tryParse(request: ParseRequest, { source_type, typescript }: Attempt): Parsed {
  const { path, text, language, with_core_rules } = request;
  const linter = new Linter({ configType: 'flat' });
  const has_modules = source_type === 'module' || /\brequire\(|\bmodule\.exports\b/.test(text);
  const core_language = language === 'typescript' ? 'typescript' : 'javascript';
  let messages: Linter.LintMessage[];
  try {
    messages = linter.verify(
      text,
      {
        files: ['**/*.{js,mjs,cjs,jsx,ts,mts,cts,tsx}'],
        languageOptions: {
          ecmaVersion: 'latest',
          sourceType: source_type,
          globals: KNOWN_GLOBALS,
          ...(typescript ? { parser: typescriptParser } : {}),
          parserOptions: { ecmaFeatures: { jsx: !/\.[cm]?ts$/.test(path) } },
        },
        linterOptions: { reportUnusedDisableDirectives: 'off' },
        rules: with_core_rules ? coreRules(core_language, has_modules) : {},
      },
      { filename: fileNameFor(path), allowInlineConfig: false },
    );
  } catch (error) {
    // Parser and rules walk by recursion, and a rule may not expect what a parser lets through.
    if (!(error instanceof Error)) throw error;
    return problem('It is nested too deeply, or is not what it seems to be.', 1, 1);
  }
  const fatal = messages.find((message) => message.fatal);
  if (fatal) return problem(fatal.message.replace(/^Parsing error: /, ''), fatal.line, fatal.column);
  return { code: codeModule(linter.getSourceCode(), messages, isTestPath(path)) };
}

/** Parsers go by the ending alone; the folder is of no concern to them. */
function fileNameFor(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/[^\w.-]/g, '_');
}

function problem(message: string, line = 1, column = 1): Parsed {
  return { problem: { message, line, column } };
}
