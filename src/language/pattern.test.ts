import fc from 'fast-check';

import { LanguageFault } from './expression-error.ts';
import { compilePattern } from './pattern.ts';

const free = (): void => undefined;
const matches = (pattern: string, text: string): boolean => compilePattern(pattern).test(text, free);

test.each<[string, string, boolean]>([
  ['abc', 'xxabcxx', true],
  ['^abc$', 'xabc', false],
  ['^a{2,3}$', 'aaa', true],
  ['^a{2,3}$', 'aaaa', false],
  ['^a{2}$', 'aa', true],
  ['^a{2,}$', 'aaaaa', true],
  ['^(?:ab|c)*d?$', 'abcabd', true],
  ['^(?<y>\\d{4})-\\d\\d$', '2026-01', true],
  ['^[^\\]a-c]+$', 'xyz', true],
  ['^[^\\]a-c]+$', 'x]z', false],
  ['^\\p{Lu}\\p{Ll}+$', 'Ärger', true],
  ['^.$', '😀', true],
  ['\\bcat\\b', 'a cat.', true],
  ['\\bcat\\b', 'concat', false],
  ['^\\u{1F600}\\x41\\u0042$', '😀AB', true],
  ['(?i)^straSSE$', 'STRASSE', true],
  ['^$', '', true],
  ['', 'anything', true],
  ['(a*)*$', 'b', true],
  ['^(|a)+$', 'aaa', true],
  ['a.c', 'a\nc', false],
])('/%s/ on %j: %s', (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected);
});

test.each([
  '(a)\\1',
  '(?=a)',
  '(?!a)',
  '(?<=a)',
  '(?<!a)',
  '(?<n>a)\\k<n>',
  '[',
  'a{3000}',
  '(a{100}){100}',
  '('.repeat(40) + ')'.repeat(40),
])('/%s/ is refused', (pattern) => {
  expect(() => compilePattern(pattern)).toThrow(LanguageFault);
});

test('patterns that backtrack for ever take a number of steps in proportion to the text', () => {
  for (const pattern of ['^(a+)+$', '(a|a)*b', '(a|aa)+$', '^(.*a){12}$', '(x+x+)+y']) {
    let steps = 0;
    const text = `${'a'.repeat(20_000)}!`;
    compilePattern(pattern).test(text, (more) => (steps += more));
    expect(steps).toBeLessThan(text.length * 100);
  }
});

/** Patterns from pieces both engines know, so that the built-in engine can be the judge. */
const piece = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '^', '$', '\\b');
const pattern = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    piece,
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '*?'))
      .map(([a, q]) => `(?:${a})${q}`),
  ),
})).node;

test('agrees with the built-in engine', () => {
  fc.assert(
    fc.property(
      pattern,
      fc.string({ unit: fc.constantFrom('a', 'b', '1', ' '), maxLength: 8 }),
      (source, text) => {
        expect(matches(source, text)).toBe(new RegExp(source, 'u').test(text));
      },
    ),
    { numRuns: 1_000 },
  );
});
