import fc from 'fast-check';
import { sourceFile } from '../../test/analysis/analyse-text.ts';
import { FINDING_AREAS } from '../contract/findings.ts';
import { analyseFile } from './analyse-file.ts';
import { analysisKey, relocate } from './analysis-key.ts';
import { skipReasonOf, skipReasonOfPath } from './skip.ts';

const CODE = 'export const f = (text) => { const unused = 1; return eval(text) && /^(a+)+$/.test(text); };';

describe('the analysis of a file', () => {
  test('gives in each area what it gives in all, and the same facts', () => {
    const all = analyseFile(sourceFile('a.js', CODE), FINDING_AREAS);
    const each = FINDING_AREAS.map((area) => analyseFile(sourceFile('a.js', CODE), [area]));
    expect(each.flatMap((one) => one.findings)).toHaveLength(all.findings.length);
    expect(all.findings).toEqual(expect.arrayContaining(each.flatMap((one) => one.findings)));
    for (const { facts } of each) expect(facts).toEqual(all.facts);
  });

  test('is plain JSON, and the same each time', () => {
    const analysis = analyseFile(sourceFile('a.js', CODE), FINDING_AREAS);
    expect(JSON.parse(JSON.stringify(analysis))).toEqual(analysis);
    expect(analyseFile(sourceFile('a.js', CODE), FINDING_AREAS)).toEqual(analysis);
  });

  test('holds for the same bytes at a path with the same key', () => {
    const [one, other] = [sourceFile('src/a.js', CODE), sourceFile('lib/b.js', CODE)];
    expect(analysisKey(one, 'static')).toBe(analysisKey(other, 'static'));
    expect(relocate(analyseFile(one, FINDING_AREAS), other.path)).toEqual(analyseFile(other, FINDING_AREAS));
    for (const path of ['src/a.ts', 'test/a.js', 'src/a.py'])
      expect(analysisKey({ ...one, path }, 'static')).not.toBe(analysisKey(one, 'static'));
    expect(analysisKey(one, 'security')).not.toBe(analysisKey(one, 'static'));
  });

  test('never fails, whatever the text', () => {
    const path = fc.constantFrom('a.js', 'a.ts', 'a.tsx', 'a.py', 'a.sh', 'package.json', '.env', 'a.txt');
    const word = fc.constantFrom(
      'import',
      '(',
      ')',
      '{',
      '}',
      '`',
      '${',
      '"',
      '/',
      '=>',
      'async',
      'for',
      'req.query',
      '\n',
      '=',
      'x',
      '...',
      '"""',
      '\\',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 40 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(path, text, (at, content) => {
        const { facts } = analyseFile(sourceFile(at, content), FINDING_AREAS);
        expect(facts.path).toBe(at);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a file is not read', () => {
  test.each([
    ['node_modules/a/index.js', 'eval(x)', 'vendored'],
    ['web/dist/a.js', 'eval(x)', 'vendored'],
    ['src/jquery.min.js', 'eval(x)', 'minified'],
    ['src/a.js', `${'var a=1;'.repeat(1_000)}eval(x)`, 'minified'],
    ['src/a.js', 'a\0b', 'binary'],
    ['src/a.js', '// @generated\neval(x)', 'generated'],
    ['src/a.js', ' \n'.repeat(600_000), 'too_large'],
  ])('%s: %#', (path, text, reason) => {
    expect(skipReasonOf({ path, text })).toBe(reason);
    expect(analyseFile(sourceFile(path, text), FINDING_AREAS).findings).toEqual([]);
  });

  test('by its path and size alone, before it is fetched', () => {
    expect(skipReasonOfPath('vendor/a.js')).toBe('vendored');
    expect(skipReasonOfPath('src/a.js', 2_000_000)).toBe('too_large');
    expect(skipReasonOfPath('src/a.js', 1_000)).toBeUndefined();
    expect(skipReasonOf({ path: 'src/a.js', text: 'export const a = 1;' })).toBeUndefined();
  });
});
