import type { FileFacts, SourceFile } from '../../contract/findings.ts';
import { emptyFacts } from '../empty-facts.ts';
import { exportsOf } from './exports.ts';
import { functionFacts } from './function-facts.ts';
import { importsOf } from './imports.ts';
import type { CodeModule } from './module.ts';
import { shinglesOf } from './shingles.ts';

/** What the whole-tree rules need of a JavaScript or TypeScript file. */
export function codeFacts(file: SourceFile, code: CodeModule): FileFacts {
  const { names, is_opaque } = exportsOf(code);
  const is_commonjs = code.source.ast.sourceType !== 'module';
  return {
    ...emptyFacts(file),
    is_commonjs,
    imports: importsOf(code),
    exports: names,
    is_opaque,
    functions: functionFacts(code),
    shingles: code.is_test ? [] : shinglesOf(code),
  };
}
