import fc from 'fast-check';
import { maskSpans, spansIn, unmask } from './spans.ts';

const found = (text: string) => spansIn(maskSpans(text).text, maskSpans(text));

test.each([
  [
    'a fence with its language',
    '```python\nx = 1\n```',
    { kind: 'code', text: 'x = 1\n', language: 'python' },
  ],
  ['a fence on one line', 'do ```ls -l```', { kind: 'code', text: 'ls -l' }],
  ['a fence whose first line is code', '```a = 1\nb```', { kind: 'code', text: 'a = 1\nb' }],
  ['code between backticks', 'run `ls`', { kind: 'code', text: 'ls' }],
  ['an address without the sentence', 'see https://a.b/c.', { kind: 'url', text: 'https://a.b/c' }],
  ['an address in parentheses', '(https://a.b/c)', { kind: 'url', text: 'https://a.b/c' }],
  ['an address with parentheses', 'https://a.b/c_(d)', { kind: 'url', text: 'https://a.b/c_(d)' }],
  ['a quoted address', '"https://a.b"', { kind: 'url', text: 'https://a.b' }],
  [
    'a JSON object',
    'with {"a": {"b": "}"}} now',
    { kind: 'json', text: '{"a": {"b": "}"}}', value: { a: { b: '}' } } },
  ],
  ['a JSON list', 'of [1, 2]', { kind: 'json', text: '[1, 2]', value: [1, 2] }],
  ['a quotation', 'say “hello there”', { kind: 'quoted', text: 'hello there' }],
])('finds %s', (_name, text, span) => {
  expect(found(text)).toEqual([span]);
});

test.each([
  "the supplier's orders and the shop's",
  'a {b} c',
  '[x',
  'http:// nothing',
  '"',
  '``` open',
  'a "line\nbreak"',
])('leaves %j as words', (text) => {
  expect(found(text)).toEqual([]);
  expect(maskSpans(text).text).toBe(text);
});

test('a text can be written again from its marks', () => {
  const part = fc.constantFrom('and ', 'https://a.b/c ', '"x y" ', '{"a":1} ', "it's ", '[1,2] ', '. ');
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const text = parts.join('');
      const masked = maskSpans(text);
      expect(unmask(masked.text, masked)).toBe(text);
    }),
  );
});

test('marks that a text brings along mark nothing', () => {
  const masked = maskSpans('a \uE000url0\uE001 b');
  expect(masked.spans).toEqual([]);
  expect(spansIn(masked.text, masked)).toEqual([]);
});
