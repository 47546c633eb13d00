import type { Json } from '../contract/json.ts';
import { ExpressionError } from './expression-error.ts';
import { evaluateExpression, evaluateGuard } from './expression.ts';
import type { Scope } from './expression.ts';
import { callsAlways, rootsOf } from './template.ts';

const scope: Scope = {
  input: JSON.parse(
    '{"n":4,"f":1.5,"s":"héllo","xs":[3,1,2,2],"z":null,"big":1e20,"m":{"b":1,"a":[1,"x",null]},' +
      '"constructor":"c","__proto__":"p"}',
  ) as Json,
  params: { threshold: 0.8 },
  steps: {
    a: { state: 'succeeded', output: { n: 41 }, error: null },
    b: { state: 'skipped', output: null, error: null },
  },
  run: { id: 'r1' },
  now_ms: Date.UTC(2026, 0, 2, 3, 4, 5),
};
const evaluate = (source: string): Json => evaluateExpression(source, scope);

test.each<[string, Json]>([
  // numbers: ints stay ints, mixed arithmetic promotes
  ['steps.a.output.n + 1', 42],
  ['input.n * 1.5', 6],
  ['1.5 * input.n', 6],
  ['input.f + input.n', 5.5],
  ['input.n / 3', 1],
  ['input.n / 3.2', 1.25],
  ['input.n % 3', 1],
  ['-input.n', -4],
  ['input.n == 4.0', true],
  ['1 == 1.0', true],
  ['input.n < 4.5 && input.f < input.n', true],
  ['input.big * 2.0', 2e20],
  ['3u + 1u', 4],
  // access
  ['input.m.a[1]', 'x'],
  ['input["m"]["b"]', 1],
  ['input.constructor + input.__proto__', 'cp'],
  ['has(input.m.b) && !has(input.m.c)', true],
  ['"b" in input.m && !("c" in input.m)', true],
  ['"toString" in input.m', false],
  ['input.z == null', true],
  // default: null and what is not there
  ['default(input.nope.deeper, 7)', 7],
  ['default(steps.b.output.n, 7)', 7],
  ['default(input.z, 7)', 7],
  ['default(input.xs[9], 7)', 7],
  ['default(input.n, 7)', 4],
  // lists and maps
  ['input.xs.map(x, x * 2)', [6, 2, 4, 4]],
  ['input.xs.map(x, x * 1.5)', [4.5, 1.5, 3, 3]],
  ['input.xs.filter(x, x > 1)', [3, 2, 2]],
  ['input.xs.exists(x, x == 2) && input.xs.all(x, x > 0)', true],
  ['input.m.map(k, input.m[k])', [1, [1, 'x', null]]],
  ['[1] + input.xs', [1, 3, 1, 2, 2]],
  ['[1, "a", null, {"x": 1.5}]', [1, 'a', null, { x: 1.5 }]],
  ['"a" in [1, "a"]', true],
  ['1.0 in [1, "a"]', true],
  ['input.m == {"a": [1.0, "x", null], "b": 1}', true],
  ['{1: "a"}', { 1: 'a' }],
  ['{"constructor": 1, "a": {"__proto__": 2}}', JSON.parse('{"constructor":1,"a":{"__proto__":2}}') as Json],
  // branches may differ in type
  ['input.n > 3 ? "high" : null', 'high'],
  ['1 == "a"', false],
  // functions
  ['sum(input.xs)', 8],
  ['sum([1, 0.5])', 1.5],
  ['sum([])', 0],
  ['avg(input.xs)', 2],
  ['avg([])', null],
  ['min(input.xs)', 1],
  ['max(3, 4.5)', 4.5],
  ['min([])', null],
  ['sort(["b", "a", "ä"])', ['a', 'b', 'ä']],
  ['sort([10, 9.5, 1])', [1, 9.5, 10]],
  ['distinct([1, 1.0, "1", [1], [1]])', [1, '1', [1]]],
  ['join(["a", "b"], "-")', 'a-b'],
  ['join([1, null, true], ",")', '1,,true'],
  ['input.xs.join(",")', '3,1,2,2'],
  ['split("a,b", ",")', ['a', 'b']],
  ['keys(input.m)', ['b', 'a']],
  ['values({"x": 1})', [1]],
  ['json(input.m)', '{"a":[1,"x",null],"b":1}'],
  ['parse_json("{\\"a\\":[1,2.5]}").a[1]', 2.5],
  ['base64("hi!?")', 'aGkhPw=='],
  ['sha256("abc")', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['size("héllo")', 5],
  ['"abc".matches("(?i)^A.C$")', true],
  ['int("12") + 1', 13],
  ['string(1.5) + string(2)', '1.52'],
  // times
  ['now()', '2026-01-02T03:04:05.000Z'],
  ['now() - duration("1h30m")', '2026-01-02T01:34:05.000Z'],
  ['now() - timestamp("2026-01-01T00:00:00Z")', '97445s'],
  ['duration("-1.5s")', '-1.5s'],
  ['duration("250ms")', '0.25s'],
  ['now().getDayOfYear()', 1],
  ['string(now()) + string(duration("90s"))', '2026-01-02T03:04:05.000Z90s'],
  // bytes
  ['b"abc"', 'YWJj'],
  ['string(bytes("é"))', 'é'],
  ['bytes("é").hex()', 'c3a9'],
  ['always()', true],
])('%s', (source, value) => {
  expect(evaluate(source)).toEqual(value);
});

test.each<[string, string]>([
  ['1 +', 'Unexpected token: EOF (at character 4)'],
  ['foo', 'Unknown variable: foo'],
  ['item', 'Unknown variable: item'],
  ['input.nope', 'No such key: nope'],
  ['input.nope.deeper', 'No such key: nope'],
  ['"x" + 1', 'no such overload: string + int'],
  ['!input.n', 'no such overload: !int'],
  ['default(1 / 0, 7)', 'division by zero'],
  ['9007199254740993', 'beyond ±(2^53 - 1)'],
  ['1.0 / 0.0', 'Infinity is not JSON'],
  ['type(1)', 'a type is not JSON'],
  ['sum(["a"])', 'only numbers'],
  ['sort([1, "a"])', 'only numbers, or only strings'],
  ['parse_json("{")', 'takes a JSON text'],
  ['timestamp("2026-01-01")', 'RFC 3339'],
  ['timestamp("Fri Jan 02 2026 03:04:05")', 'RFC 3339'],
  ['now().getHours("Europe/Berlin")', 'times are in UTC'],
  ['"a".matches("(a)\\\\1")', 'back-reference'],
  ['input.xs.map(a, input.xs.map(b, input.xs.map(c, input.xs.map(d, 1))))', 'nested deeper than 3'],
])('%s fails: %s', (source, message) => {
  expect(() => evaluate(source)).toThrow(ExpressionError);
  expect(() => evaluate(source)).toThrow(message);
});

test('a guard must be true or false', () => {
  expect(evaluateGuard('input.n > 3', scope)).toBe(true);
  expect(() => evaluateGuard('input.n', scope)).toThrow('a guard must be true or false');
});

test('a value that comes from the scope is handed back without a copy', () => {
  expect(evaluate('input.m')).toBe((scope.input as Record<string, Json>)['m']);
  expect(evaluate('default(input.nope, input.xs)')).toBe((scope.input as Record<string, Json>)['xs']);
});

test('reads are found through brackets, functions and loops, and loop variables hide names', () => {
  expect(
    rootsOf('input.xs.map(steps, steps.x + params.a) == steps["b"].output && has(steps.c.output.q)'),
  ).toEqual({
    input: true,
    params: true,
    run: false,
    item: false,
    steps: ['b', 'c'],
    secrets: [],
  });
  expect(rootsOf('steps[run.id]').steps).toEqual(['*']);
  expect(rootsOf('cel.bind(input, run.id, input + secrets.key)')).toMatchObject({
    input: false,
    run: true,
    secrets: ['key'],
  });
  expect(callsAlways('always() && input.n > 1')).toBe(true);
  expect(callsAlways('input.always')).toBe(false);
});

test('the same source gives the same value again after an error and from the cache', () => {
  for (let i = 0; i < 3; i++) {
    expect(evaluate('input.xs.map(x, x + 1)')).toEqual([4, 2, 3, 3]);
    expect(() => evaluateExpression('input.xs.map(x, x + 1)', { ...scope, input: { xs: ['a'] } })).toThrow();
  }
});
