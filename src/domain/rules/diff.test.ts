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

it('stays within what a patch may hold, and in linear time', () => {
  const list = (offset: number): JsonObject => ({
    params: { list: Array.from({ length: 50_000 }, (_, i) => i + offset) },
    nodes: {},
  });
  const begun = performance.now();
  const { operations } = diffDefinitions(list(0), list(1_000));
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(operations.length).toBeLessThanOrEqual(1_000);
  expect(applyPatch(list(0), operations)).toEqual(list(1_000));
});
