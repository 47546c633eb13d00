import type { Random } from '../../support/random.ts';

type Schema = Record<string, unknown>;

/** What breaks naive code, wherever it stands. */
export const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.1,
  1e308,
  -1e308,
  2_147_483_648,
  -2_147_483_649,
  9_007_199_254_740_992,
  1e21,
  '',
  ' ',
  'x'.repeat(10_000),
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u{1d4b3}\u0301\u202e',
  '../../etc/passwd',
  "'; DROP TABLE run; --",
  '%00',
  '%',
  '$' + '{{ 1 / 0 }}',
  '__proto__',
  'constructor',
  '0',
  '-0',
  'NaN',
  'Infinity',
  '1e400',
  '2024-02-30T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999+14:00',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  `sha256:${'0'.repeat(64)}`,
  `sha256:${'F'.repeat(64)}`,
  'eyJ9',
  Buffer.from('{"id":"x","created_at":"y"}').toString('base64url'),
  Buffer.from('[null]').toString('base64url'),
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  JSON.parse('{"__proto__":{"is_admin":true}}'),
  JSON.parse('{"constructor":{"prototype":{"is_admin":true}}}'),
  Array.from({ length: 2_000 }, (_, i) => i),
  Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i])),
];

/** Something that a schema of the OpenAPI document lets through, or nearly. */
export function valueOf(schema: Schema, random: Random, depth = 0): unknown {
  if (depth > 6 || random.below(12) === 0) return random.pick(ODD_VALUES);
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return random.pick(schema.enum as unknown[]);
  const alternatives = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as Schema[] | undefined;
  if (alternatives) return valueOf(random.pick(alternatives), random, depth + 1);
  const type = Array.isArray(schema.type) ? random.pick(schema.type as string[]) : schema.type;
  if (type === 'object') return objectOf(schema, random, depth);
  if (type === 'array') {
    const count = random.pick([0, 1, 2, (schema.maxItems as number) ?? 3, 3]);
    return Array.from({ length: Math.min(count, 20) }, () =>
      valueOf((schema.items ?? {}) as Schema, random, depth + 1),
    );
  }
  if (type === 'integer' || type === 'number') return numberOf(schema, random);
  if (type === 'boolean') return random.below(2) === 0;
  if (type === 'string') return textOf(schema, random);
  return random.pick(ODD_VALUES);
}

function objectOf(schema: Schema, random: Random, depth: number): unknown {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const required = new Set((schema.required ?? []) as string[]);
  const named = Object.entries(properties).filter(([name]) => required.has(name) || random.below(3) === 0);
  const entries = named.map(([name, inner]) => [name, valueOf(inner, random, depth + 1)] as const);
  return Object.fromEntries(entries);
}

function numberOf({ minimum, maximum }: Schema, random: Random): number {
  const [low, high] = [Number(minimum ?? -10), Number(maximum ?? 10)];
  return random.pick([low, high, low - 1, high + 1, (low + high) / 2, 0, 1]);
}

function textOf({ format, minLength, maxLength }: Schema, random: Random): string {
  if (format === 'uuid') return '01900000-0000-7000-8000-000000000000';
  if (format === 'date-time')
    return random.pick(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.123456+02:00']);
  const lengths = [1, 5, Number(minLength ?? 0), Number(maxLength ?? 40), Number(maxLength ?? 40) + 1];
  return random.pick(['a', 'Z', 'é', '1', '/', '"']).repeat(Math.min(random.pick(lengths), 20_000));
}

/** The same with one place of it changed: another value, one member less, or one more. */
export function altered(value: unknown, random: Random): unknown {
  if (value === null || typeof value !== 'object' || random.below(6) === 0) return random.pick(ODD_VALUES);
  if (Array.isArray(value)) {
    if (value.length === 0) return [random.pick(ODD_VALUES)];
    const at = random.below(value.length);
    return value.map((item: unknown, i) => (i === at ? altered(item, random) : item));
  }
  const names = Object.keys(value);
  const choice = random.below(8);
  if (choice === 0)
    return { ...value, [random.pick(['zz', '__proto', '', 'a/b~c'])]: random.pick(ODD_VALUES) };
  if (names.length === 0) return { x: random.pick(ODD_VALUES) };
  const name = random.pick(names);
  if (choice === 1) return Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
  return { ...value, [name]: altered((value as Record<string, unknown>)[name], random) };
}
