import fc from 'fast-check';
import { applyPatch as applyElsewhere } from 'rfc6902';
import type { Json } from '../../src/contract/json.ts';
import { diffDefinitions, diffJson } from '../../src/domain/rules/diff.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { applyPatch } from '../../src/domain/rules/json-patch.ts';
import { definitions, edited, edits } from '../support/edited-definitions.ts';

const PAIRS = Number(process.env.DIFF_PAIRS ?? 10_000);

const pairs = fc.oneof(
  fc.tuple(definitions, edits).map(([from, changes]) => ({ from, to: edited(from, changes) })),
  fc.record({ from: definitions, to: definitions }),
);

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom<Json>(null, false, 'x', ''),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c/d', 'e~f', ''), tie('json')),
  ),
}));

it('makes valid definitions to try with', () => {
  fc.assert(
    fc.property(pairs, ({ from, to }) => {
      expect([...validateDefinition(from), ...validateDefinition(to)]).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

it(`leads from one definition to the other, by our engine and by another one (${PAIRS} pairs)`, () => {
  fc.assert(
    fc.property(pairs, ({ from, to }) => {
      const { operations } = diffDefinitions(from, to);
      expect(applyPatch(from, operations)).toEqual(to);
      const elsewhere = copyOf(from);
      expect(applyElsewhere(elsewhere, copyOf(operations)).filter((error) => error)).toEqual([]);
      expect(elsewhere).toEqual(to);
    }),
    { numRuns: PAIRS },
  );
});

it(`leads from one value to the other, whatever they are and however deep it looks (${PAIRS} pairs)`, () => {
  fc.assert(
    fc.property(json, json, fc.constantFrom(Infinity, 3, 2, 1, 0), (from, to, levels) => {
      expect(applyPatch(from, diffJson(from, to, levels))).toEqual(to);
      expect(diffJson(from, from, levels)).toEqual([]);
    }),
    { numRuns: PAIRS },
  );
});

it('names just the nodes that differ', () => {
  fc.assert(
    fc.property(pairs, ({ from, to }) => {
      const { added, removed, changed } = diffDefinitions(from, to).nodes;
      const [before, after] = [from, to].map(({ nodes }) => nodes as Record<string, Json>);
      const text = (node: Json | undefined) => JSON.stringify(sorted(node));
      const ids = [...new Set([...Object.keys(before!), ...Object.keys(after!)])].sort();
      expect(added).toEqual(ids.filter((id) => !before![id]));
      expect(removed).toEqual(ids.filter((id) => !after![id]));
      expect(changed.map(({ node }) => node)).toEqual(
        ids.filter((id) => before![id] && after![id] && text(before![id]) !== text(after![id])),
      );
      for (const { node, pointers } of changed)
        expect(pointers.every((pointer) => `${pointer}/`.startsWith(`/nodes/${node}/`))).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

/** Not by `structuredClone`: jest's lists are of another realm, and the other engine takes them for objects. */
const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const members = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}
