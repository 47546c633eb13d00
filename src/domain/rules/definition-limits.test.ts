import { validateDefinition } from './definition.ts';

type Members = Record<string, unknown>;

const transform = (more: Members = {}): Members => ({ type: 'transform', config: { value: 1 }, ...more });
const base = (more: Members = {}): Members => ({
  schema_version: 1,
  name: 'demo',
  nodes: { a: transform() },
  ...more,
});
const problems = (document: unknown): string[] =>
  validateDefinition(document).map((p) => `${p.path}: ${p.message}`);

test('the limit of nodes is 500', () => {
  const nodes = (n: number): Members =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, transform()]));
  expect(problems(base({ nodes: nodes(500) }))).toEqual([]);
  expect(problems(base({ nodes: nodes(501) }))).toEqual(['/nodes: has 501 nodes, the limit is 500']);
});

test('the limit of depth is 64', () => {
  const nested = (n: number): unknown => JSON.parse('['.repeat(n) + ']'.repeat(n)) as unknown;
  expect(problems(base({ output: nested(63) }))).toEqual([]);
  expect(problems(base({ output: nested(64) }))[0]).toMatch(/^\/output(\/0){63}: is nested deeper than 64$/);
});

test('the limit of size is 1 MiB', () => {
  const room = 1_048_576 - Buffer.byteLength(JSON.stringify(base({ params: { x: '' } })));
  expect(problems(base({ params: { x: 'x'.repeat(room) } }))).toEqual([]);
  expect(problems(base({ params: { x: 'x'.repeat(room + 1) } }))).toEqual([': is larger than 1048576 bytes']);
});

test.each<[string, () => unknown]>([
  [
    'a depth of 10,000',
    () => base({ output: JSON.parse('{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)) }),
  ],
  ['arrays of a depth of 100,000', () => JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown],
  [
    '100,000 unknown fields',
    () => base(Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, 0]))),
  ],
  [
    '100,000 nodes',
    () => base({ nodes: Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, 0])) }),
  ],
  [
    'a pattern that backtracks',
    () =>
      base({
        params: { x: 'a'.repeat(50_000) },
        params_schema: { properties: { x: { pattern: '^(a+)+$', maxLength: 1 } } },
      }),
  ],
  ['quotes that never close', () => base({ output: `\${{ ${'"\\"'.repeat(200_000)}` })],
  [
    'a ring of 500 nodes',
    () =>
      base({
        nodes: Object.fromEntries(
          Array.from({ length: 500 }, (_, i) => [`n${i}`, transform({ needs: [`n${(i + 1) % 500}`] })]),
        ),
      }),
  ],
])('%s is refused fast', (_, document) => {
  const value = document();
  const start = performance.now();
  expect(validateDefinition(value).length).toBeGreaterThan(0);
  expect(performance.now() - start).toBeLessThan(10_000);
});
