import { evaluateExpression } from './expression.ts';

const numbers = Array.from({ length: 10_000 }, (_, i) => i);
const input = {
  big: 'x'.repeat(1_000_000),
  list: numbers,
  objects: numbers.map((i) => ({ id: i, nested: [i, { z: i }] })),
  map: Object.fromEntries(numbers.map((i) => [`k${i}`, i])),
};
const evaluate = (source: string): unknown =>
  evaluateExpression(source, { input, params: {}, steps: {}, run: {}, now_ms: 0 });

/** Far above what it takes, for a busy machine; without limits these run for minutes, or for ever. */
const SOON_MS = 15_000;

test.each([
  ['nested loops', 'input.list.map(x, input.list.map(y, y)).size()'],
  ['loops that swallow errors', 'input.list.exists(x, input.list.exists(y, input.list.exists(z, z < 0)))'],
  ['or that swallows the error', 'input.list.all(x, input.list.all(y, true)) || true'],
  ['copies of a large text', 'input.list.map(x, input.big + input.big).size()'],
  ['searches in a large text', 'input.list.map(x, input.big.contains("y")).size()'],
  ['hashes', 'input.list.map(x, sha256(input.big))'],
  ['JSON', 'input.list.map(x, json(input.objects))'],
  ['sorting', 'input.list.map(x, sort(input.list))'],
  ['deep equality', 'input.list.map(x, input.objects == parse_json(json(input.objects)))'],
  ['list membership', 'input.list.map(x, -1 in input.list)'],
  ['keys', 'input.list.map(x, keys(input.map))'],
  ['splitting', 'input.list.map(x, split(input.big, ""))'],
  ['joining', 'input.list.map(x, join(input.list, input.big))'],
  ['joining as a method', 'input.list.map(x, string(x)).join(input.big)'],
  ['a pattern that would backtrack', 'input.big.matches("(x+x+)+y")'],
  [
    'doubling',
    'cel.bind(a, input.big + input.big, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, (d + d).size()))))',
  ],
])('%s end with an error, soon', (_, source) => {
  const start = performance.now();
  expect(() => evaluate(source)).toThrow('costs more than 1000000 steps');
  expect(performance.now() - start).toBeLessThan(SOON_MS);
});

test.each([
  [
    'parts shared many times',
    'cel.bind(a, [1,1,1,1,1,1,1,1], cel.bind(b, [a,a,a,a,a,a,a,a], cel.bind(c, [b,b,b,b,b,b,b,b], cel.bind(d, [c,c,c,c,c,c,c,c], cel.bind(e, [d,d,d,d,d,d,d,d], [e,e,e,e,e,e,e,e])))))',
  ],
  ['a large text many times', `input.list.map(x, "${'a'.repeat(1_000)}")`],
])('%s make a result that is too large', (_, source) => {
  expect(() => evaluate(source)).toThrow('the result is larger than');
});

test.each([
  ['brackets', '('.repeat(8_000)],
  ['lists', '['.repeat(8_000)],
  ['minus signs', `${'-'.repeat(16_000)}1`],
  ['exclamation marks', `${'!'.repeat(16_000)}true`],
  ['additions', `1${'+1'.repeat(1_000)}`],
  ['members', `input${'.a'.repeat(5_000)}`],
  ['branches', `${'true ? 1 : '.repeat(1_000)}1`],
  ['characters', `"${'a'.repeat(20_000)}"`],
])('a program with too many %s is refused', (_, source) => {
  expect(() => evaluate(source)).toThrow(/nested too deep|Exceeded|longer than/);
});

test('one field of a large value costs one field', () => {
  evaluate('input.map.k5 + 1');
  const start = performance.now();
  for (let i = 0; i < 1_000; i++) evaluate('input.map.k5 + 1');
  expect(performance.now() - start).toBeLessThan(SOON_MS);
});
