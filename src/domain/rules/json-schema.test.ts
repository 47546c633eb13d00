import { compileSchema, schemaProblems } from './json-schema.ts';

const problems = (schema: unknown, value: unknown): string[] =>
  compileSchema(schema)(value).map((p) => `${p.path}: ${p.message}`);

test('every problem of a value is answered, with pointers', () => {
  const schema = {
    type: 'object',
    required: ['a/b'],
    properties: { n: { type: 'integer' }, u: { format: 'uri' } },
    additionalProperties: false,
  };
  expect(problems(schema, { n: 1.5, u: 'x', 'y~': 1 })).toEqual([
    "/a~1b: must have required property 'a/b'",
    '/y~0: must NOT have additional properties',
    '/n: must be integer',
    '/u: must match format "uri"',
  ]);
  expect(problems(schema, { n: 2 })).toHaveLength(1);
});

test.each<[string, unknown, unknown, boolean]>([
  ['true', true, 1, true],
  ['false', false, 1, false],
  [
    'a local reference',
    { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { type: 'integer' } } },
    { a: 'b' },
    false,
  ],
  [
    'a tree',
    { properties: { child: { $ref: '#' }, n: { type: 'number' } } },
    { child: { child: { n: 'x' } } },
    false,
  ],
  ['prefixItems (2020-12)', { prefixItems: [{ type: 'string' }], items: false }, ['a', 1], false],
  ['dependentRequired (2019-09)', { dependentRequired: { a: ['b'] } }, { a: 1 }, false],
  [
    'unevaluatedProperties',
    { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
    { a: 1, b: 2 },
    false,
  ],
  [
    'unique items by content',
    { uniqueItems: true },
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    false,
  ],
  ['unique items', { uniqueItems: true }, [1, '1'], true],
  ['a pattern', { pattern: '^\\d+$' }, 'x', false],
  ['another pattern', { pattern: '^x$' }, 'x', true],
  [
    'pattern properties',
    { patternProperties: { '^n': { type: 'number' } }, additionalProperties: false },
    { n1: 1 },
    true,
  ],
  ['unknown keywords', { 'x-title': 'hi', type: 'string' }, 's', true],
  ['a date-time', { format: 'date-time' }, '2026-01-01T00:00:00Z', true],
  ['a property named __proto__', { additionalProperties: false }, JSON.parse('{"__proto__":1}'), false],
])('%s', (_, schema, value, isValid) => {
  expect(problems(schema, value).length === 0).toBe(isValid);
});

test.each<[string, unknown, string]>([
  ['a number', 5, ': must be a JSON Schema: an object, true or false'],
  [
    'an unknown type',
    { properties: { x: { type: 'strin' } } },
    '/properties/x/type: must be equal to one of the allowed values',
  ],
  ['a remote reference', { $ref: 'https://example.com/s' }, '/$ref: must point into this schema: # or #/…'],
  ['a reference to nothing', { $ref: '#/$defs/x' }, '/$ref: refers to no subschema of this schema'],
  ['a dynamic reference', { $dynamicRef: '#x' }, '/$dynamicRef: is not supported: use $ref'],
  [
    'another draft',
    { $schema: 'http://json-schema.org/draft-07/schema#' },
    '/$schema: must be JSON Schema 2020-12',
  ],
  ['an $id below the root', { not: { $id: 'x' } }, '/not/$id: is only supported at the root'],
  [
    'a back-reference',
    { properties: { a: { pattern: '(a)\\1' } } },
    '/properties/a/pattern: the pattern uses a back-reference',
  ],
  [
    'a bad pattern',
    { patternProperties: { '[': {} } },
    '/patternProperties/[: the pattern is not a valid regular expression',
  ],
])('%s is no usable schema', (_, schema, problem) => {
  expect(schemaProblems(schema).map((p) => `${p.path}: ${p.message}`)).toContain(problem);
  expect(compileSchema(schema)({}).length).toBeGreaterThan(0);
});

test('two schemas with one $id do not meet', () => {
  expect(problems({ $id: 'https://example.com/s', type: 'string' }, 1)).toEqual([': must be string']);
  expect(problems({ $id: 'https://example.com/s', type: 'number' }, 1)).toEqual([]);
});

const doubling = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [
    `a${i}`,
    i === 0 ? {} : { allOf: [{ $ref: `#/$defs/a${i - 1}` }, { $ref: `#/$defs/a${i - 1}` }] },
  ]),
);

test.each<[string, unknown, unknown]>([
  ['a schema that is itself', { $ref: '#' }, 1],
  ['references that double', { $ref: '#/$defs/a39', $defs: doubling }, 1],
  [
    'recursion that triples with depth',
    { properties: { n: { allOf: [{ $ref: '#' }, { $ref: '#' }, { $ref: '#' }] } } },
    JSON.parse('{"n":'.repeat(60) + '1' + '}'.repeat(60)),
  ],
  [
    'many alternatives for many items',
    { items: { anyOf: Array.from({ length: 1_000 }, (_, i) => ({ const: i + 0.5 })) } },
    Array.from({ length: 100_000 }, () => 1),
  ],
])('%s ends with a problem', (_, schema, value) => {
  const start = performance.now();
  expect(problems(schema, value)[0]).toContain('could not be validated');
  expect(performance.now() - start).toBeLessThan(10_000);
});
