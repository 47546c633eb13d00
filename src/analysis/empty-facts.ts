import type { FileFacts } from '../contract/findings.ts';
import { isTestPath, languageOf } from './source-language.ts';

/** The facts of a file that is there and was not read: anything may be in it. */
export const unreadFacts = (path: string): FileFacts => ({
  ...emptyFacts({ path, text: '' }),
  is_opaque: true,
});

/** The facts of a file of which nothing more is known than its text. */
export function emptyFacts({ path, text }: { path: string; text: string }): FileFacts {
  return {
    path,
    language: languageOf(path),
    lines: text === '' ? 0 : text.replace(/\n$/, '').split('\n').length,
    is_test: isTestPath(path),
    is_commonjs: false,
    imports: [],
    exports: [],
    is_opaque: false,
    functions: [],
    shingles: [],
  };
}
