import fc from 'fast-check';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Json, JsonObject } from '../contract/json.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { hashJson } from '../language/content-hash.ts';
import { readText, TreeTextError, type TreeFormat, writeText } from './tree-format.ts';

const FORMATS: TreeFormat[] = ['yaml', 'json'];

/** Texts that YAML readers take for something else, or that are hard to write as a block. */
const tricky = fc.constantFrom(
  ...[
    'no',
    'yes',
    'on',
    'y',
    'null',
    '~',
    '',
    ' ',
    '1e3',
    '0o14',
    '0x1f',
    '.inf',
    '.nan',
    '2026-01-01',
    '1_000',
    '12:30:45',
  ],
  ...[
    '<<',
    '=',
    '-',
    '? a',
    ': b',
    'a: b',
    'a #b',
    '# a',
    '!tag',
    '&a',
    '*a',
    '%a',
    '@a',
    '`a',
    '{a',
    '[a',
    '"',
    "'",
    '---',
    '...',
  ],
  ...[
    'a\nb',
    'a\nb\n',
    'a\n\n\n',
    '\n',
    '\na',
    ' a\n  b',
    '\ta\n\tb',
    'a \nb\t\n',
    'a\r\nb',
    'a\rb',
    'x\n---\ny',
    '...\nx',
  ],
  ...[
    '\u0085',
    '\u2028',
    '\ufeff',
    '\u0007',
    '\u001b',
    'é',
    '日本',
    '👩‍👩‍👧',
    '\u00a0a',
    '__proto__',
    'constructor',
    'x'.repeat(300),
  ],
);
const text = fc.oneof(
  tricky,
  fc.string({ unit: 'grapheme' }),
  fc.array(tricky, { maxLength: 4 }).map((all) => all.join('\n')),
);
const number = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    Number('12345678901234567890'),
    1e21,
    1e-7,
    5e-324,
    Number.MAX_VALUE,
    Number('9007199254740993'),
    0.1,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map((all) => Object.fromEntries(all)),
  ),
})).value;
const documents = fc
  .record({ name: text, nodes: fc.dictionary(text, json, { maxKeys: 3 }), output: json, files: json })
  .map((document) => document as JsonObject);

it.each(FORMATS)('as %s reads as what was written, whatever it is', (format) => {
  fc.assert(
    fc.property(documents, (document) => {
      const written = writeText(document, format);
      const { value } = readText(written, format);
      expect(canonicalJson(value)).toBe(canonicalJson(document));
      expect(hashJson(value)).toBe(hashJson(document));
      expect(written.endsWith('\n')).toBe(true);
      expect(writeText(value as JsonObject, format)).toBe(written);
    }),
    { numRuns: 500 },
  );
});

it('keeps a member called __proto__, so that it is refused and not forgotten', () => {
  const document = JSON.parse('{"nodes":{"__proto__":{"type":"transform"}},"__proto__":1}') as JsonObject;
  for (const format of FORMATS) {
    const { value } = readText(writeText(document, format), format);
    expect(JSON.stringify(value)).toContain('"__proto__":{"type":"transform"}');
    expect(Object.hasOwn(value as JsonObject, '__proto__')).toBe(true);
  }
});

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples');
const examples = readdirSync(EXAMPLES).filter((name) =>
  existsSync(path.join(EXAMPLES, name, 'definition.json')),
);

it.each(examples)('the example %s is YAML that people can read', (name) => {
  const text = readFileSync(path.join(EXAMPLES, name, 'definition.json'), 'utf8');
  const definition = JSON.parse(text) as JsonObject;
  const yaml = writeText(definition, 'yaml');
  expect(hashJson(readText(yaml, 'yaml').value)).toBe(hashJson(definition));
  expect(yaml).toMatch(/^schema_version: 1\nname: /);
  expect(yaml).not.toContain('\\n');
});

it('writes a source as it is, and what people look for first comes first', () => {
  const node = {
    config: { source: 'import sys\n\nprint(sys.argv)\n', language: 'python' },
    needs: ['b'],
    type: 'code',
  };
  const b = { type: 'transform', config: { value: 'no' } };
  expect(writeText({ output: 1, nodes: { b, a: node }, name: 'x', schema_version: 1 }, 'yaml'))
    .toBe(`schema_version: 1
name: x
nodes:
  a:
    type: code
    needs:
      - b
    config:
      language: python
      source: |
        import sys

        print(sys.argv)
  b:
    type: transform
    config:
      value: "no"
output: 1
`);
});

it('falls back to JSON, which is YAML too, where the YAML would read as something else', () => {
  const definition = { name: ' \t\n' };
  expect(writeText(definition, 'yaml')).toBe('{\n  "name": " \\t\\n"\n}\n');
  expect(readText(writeText(definition, 'yaml'), 'yaml').value).toEqual(definition);
});

describe('what is no definition', () => {
  const refusal = (text: string, format: TreeFormat = 'yaml') => {
    try {
      return readText(text, format).value;
    } catch (error) {
      if (!(error instanceof TreeTextError)) throw error;
      return [error.message, error.place];
    }
  };

  it.each<[string, TreeFormat, [unknown, object]]>([
    ['a: 1\na: 2\n', 'yaml', ['Map keys must be unique', { line: 2, column: 1 }]],
    ['a: 1\n---\nb: 2\n', 'yaml', [expect.stringContaining('multiple documents'), { line: 2, column: 1 }]],
    ['a: [1\n', 'yaml', [expect.any(String), { line: 2, column: 1 }]],
    ['ok: 1\nb: !secret x\n', 'yaml', ['Unresolved tag: !secret', { line: 2, column: 4 }]],
    [
      '{\n  "a": 1,\n  "b" 2\n}\n',
      'json',
      [expect.any(String), { line: expect.any(Number) as number, column: expect.any(Number) as number }],
    ],
  ])('%j is refused where it is wrong', (text, format, expected) => {
    expect(refusal(text, format)).toEqual(expected);
  });

  it('keys are what they look like', () => {
    expect(refusal('1e3: a\nyes: b\nnull: c\n0x1f: d\n')).toEqual({
      '1e3': 'a',
      yes: 'b',
      null: 'c',
      '0x1f': 'd',
    });
  });

  it('an anchor that stands for a million others is refused', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [one, other] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg'].map((pair) => [...pair]))
      bomb.push(`${other}: &${other} [${Array(10).fill(`*${one}`).join(', ')}]`);
    expect(() => readText(bomb.join('\n'), 'yaml')).toThrow(/alias/i);
  });
});

describe('a problem is found where it is', () => {
  const yaml = 'name: x\nnodes:\n  a:\n    type: code\n    needs: [b, c]\n  "d/e~":\n    config: {}\n';

  it.each([
    ['', 1, 1],
    ['/name', 1, 1],
    ['/nodes/a/type', 4, 5],
    ['/nodes/a/needs/1', 5, 16],
    ['/nodes/a/config', 3, 3],
    ['/nodes/d~1e~0/config', 7, 5],
    ['/schema_version', 1, 1],
  ])('%s', (pointer, line, column) => {
    expect(readText(yaml, 'yaml').locate(pointer)).toEqual({ line, column });
  });

  it('in JSON as well', () => {
    const text = `${JSON.stringify({ name: 'x', nodes: { a: { type: 'code', needs: ['b'] } } }, null, 2)}\n`;
    expect(readText(text, 'json').locate('/nodes/a/needs/0')).toEqual({ line: 7, column: 9 });
  });
});
