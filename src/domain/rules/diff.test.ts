import fc from 'fast-check';
import type { Json, JsonObject } from '../../contract/json.ts';
import { diffDefinitions, diffJson } from './diff.ts';
import { applyPatch } from './json-patch.ts';

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom<Json>(null, false, 'x', ''),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c/d', 'e~f', ''), tie('json')),
  ),
}));

it('is a patch that gives exactly the second, for any two values', () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      expect(applyPatch(from, diffJson(from, to))).toEqual(to);
      expect(diffJson(from, from)).toEqual([]);
    }),
    { numRuns: 5_000 },
  );
});

it('names nodes that were added, removed and changed, with pointers into the definition', () => {
  const from = {
    name: 'x',
    nodes: {
      same: { type: 'wait' },
      gone: {},
      score: { timeout_seconds: 1, config: { url: 'a', 'x/y': 1 } },
    },
  };
  const to = {
    name: 'y',
    nodes: {
      same: { type: 'wait' },
      new: {},
      score: { timeout_seconds: 2, config: { url: 'b', 'x/y': 1 }, needs: [] },
    },
  };
  const diff = diffDefinitions(from, to);
  expect(diff.nodes).toEqual({
    added: ['new'],
    removed: ['gone'],
    changed: [
      {
        node: 'score',
        pointers: ['/nodes/score/config/url', '/nodes/score/needs', '/nodes/score/timeout_seconds'],
      },
    ],
  });
  expect(applyPatch(from, diff.operations)).toEqual(to);
});

// A diff that costs the product of two lists would not come back from these.
it('stays within what a patch may hold: a long list that shifted is taken as a whole', () => {
  const list = (offset: number): JsonObject => ({
    params: { list: Array.from({ length: 50_000 }, (_, i) => i + offset), other: offset },
    nodes: {},
  });
  const { operations } = diffDefinitions(list(0), list(1_000));
  expect(operations.map(({ path }) => path)).toEqual(['/params/list', '/params/other']);
  expect(applyPatch(list(0), operations)).toEqual(list(1_000));
});

it.each([
  ['members of nodes', 500, 500],
  ['whole nodes', 700, 700],
  ['whole members', 1_001, 1],
])('takes %s where finer operations would be too many', (_name, count, expected) => {
  const document = (offset: number): JsonObject => ({
    nodes: Object.fromEntries(
      Array.from({ length: count }, (_, i): [string, Json] => [
        `n${i}`,
        count === 500 ? { config: [offset, offset + 1, offset + 2] } : { a: offset, b: offset },
      ]),
    ),
  });
  const { nodes, operations } = diffDefinitions(document(0), document(1));
  expect(operations).toHaveLength(expected);
  expect(nodes.changed).toHaveLength(count);
  expect(nodes.changed[0]!.pointers.length).toBeGreaterThan(1);
  expect(applyPatch(document(0), operations)).toEqual(document(1));
});
