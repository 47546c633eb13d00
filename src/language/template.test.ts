import type { Json } from '../contract/json.ts';
import { ExpressionError } from './expression-error.ts';
import { evaluateTemplate } from './expression.ts';
import { wholeExpression } from './placeholders.ts';
import { compileTemplate, sourcesOf } from './template.ts';

const scope = {
  input: { n: 4, s: 'x', o: { b: 1, a: 2 }, z: null },
  params: {},
  steps: {},
  run: {},
  now_ms: 0,
};
const rendered = (value: Json): Json => evaluateTemplate(compileTemplate(value), scope);

test.each<[string, Json, Json]>([
  ['a whole-string expression keeps its type', '${{ input.o }}', { b: 1, a: 2 }],
  ['an embedded one is text', 'n=${{ input.n }}!', 'n=4!'],
  ['white space around it makes it embedded', ' ${{ input.n }}', ' 4'],
  ['two in a row are text', '${{ input.n }}${{ input.s }}', '4x'],
  ['embedded JSON is canonical', '<${{ input.o }}>', '<{"a":2,"b":1}>'],
  ['embedded null is empty', '<${{ input.z }}>', '<>'],
  ['an escape is literal', '$${{ input.n }}', '${{ input.n }}'],
  ['an escape beside an expression', '$${{ a }} ${{ input.n }}', '${{ a }} 4'],
  ['a dollar sign alone is nothing special', '$ {{ }} $5', '$ {{ }} $5'],
  ['closing braces of maps end nothing', '${{ {"a": {"b": input.n}}}}', { a: { b: 4 } }],
  ['braces in CEL strings end nothing', '${{ "}}" + \'}}\' + r"\\}}" }}', '}}}}\\}}'],
  ['arrays and objects are walked', { a: ['${{ input.n }}', 1], b: 'x' }, { a: [4, 1], b: 'x' }],
  ['keys are literal', { '${{ input.n }}': 1 }, { '${{ input.n }}': 1 }],
  ['other JSON is itself', [1, null, true, 'x', {}], [1, null, true, 'x', {}]],
  ['empty text', '', ''],
  [
    'a key named __proto__',
    JSON.parse('{"__proto__":"${{ input.n }}"}') as Json,
    JSON.parse('{"__proto__":4}') as Json,
  ],
])('%s', (_, template, value) => {
  expect(rendered(template)).toEqual(value);
});

test('a compiled template is plain JSON', () => {
  const template = compileTemplate({ a: 'x ${{ input.n }}', b: ['$${{'] });
  expect(JSON.parse(JSON.stringify(template))).toEqual(template);
  expect(sourcesOf(template)).toEqual(['input.n']);
});

test('an expression that is not closed is refused', () => {
  expect(() => compileTemplate('${{ input.n }')).toThrow(ExpressionError);
  expect(() => compileTemplate('${{ "}}')).toThrow('no closing }}');
});

test.each([
  ['${{ a }}', 'a'],
  [' ${{ a }}\n', 'a'],
  ['${{ a }} x', undefined],
  ['a', undefined],
  ['${{ a }}${{ b }}', undefined],
])('the whole expression of %j is %j', (text, source) => {
  expect(wholeExpression(text)).toBe(source);
});

test('a text that grows beyond 1 MiB is refused', () => {
  const large = { ...scope, input: 'x'.repeat(600_000) };
  expect(() => evaluateTemplate(compileTemplate('${{ input }}${{ input }}'), large)).toThrow(
    'longer than 1 MiB',
  );
});
