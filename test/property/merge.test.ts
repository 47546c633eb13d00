import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { valueAt } from '../../src/domain/rules/blame.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { applyPatch } from '../../src/domain/rules/json-patch.ts';
import { isEqualJson } from '../../src/domain/rules/json-patch-equal.ts';
import { PATCH_LIMITS } from '../../src/domain/rules/json-patch-limits.ts';
import { parseOperations } from '../../src/domain/rules/json-patch-operations.ts';
import { escapeToken, parsePointer } from '../../src/domain/rules/json-patch-pointer.ts';
import { type Conflict, mergeDefinitions, virtualBase } from '../../src/domain/rules/merge.ts';
import { unsettled } from '../../src/domain/rules/merge-resolve.ts';
import { definitions, edited, edits } from '../support/edited-definitions.ts';

const RUNS = { numRuns: Number(process.env.MERGE_RUNS ?? 3_000) };

const forks = fc.tuple(definitions, edits, edits).map(([base, mine, other]) => ({
  base,
  ours: edited(base, mine),
  theirs: edited(base, other),
}));

const swapped = ({ ours, theirs, ...rest }: Conflict): Conflict => ({
  ...rest,
  ...(theirs !== undefined && { ours: theirs }),
  ...(ours !== undefined && { theirs: ours }),
});

it('changes nothing that only one side or neither has touched', () => {
  fc.assert(
    fc.property(forks, ({ base, ours }) => {
      expect(mergeDefinitions(base, ours, base)).toEqual({ draft: ours, conflicts: [] });
      expect(mergeDefinitions(base, base, ours)).toEqual({ draft: ours, conflicts: [] });
      expect(mergeDefinitions(base, ours, ours)).toEqual({ draft: ours, conflicts: [] });
    }),
    RUNS,
  );
});

it('is the same the other way round, up to the names of the sides', () => {
  fc.assert(
    fc.property(forks, ({ base, ours, theirs }) => {
      const one = mergeDefinitions(base, ours, theirs);
      const other = mergeDefinitions(base, theirs, ours);
      expect(JSON.stringify(other.draft)).toBe(JSON.stringify(one.draft));
      expect(other.conflicts.map(swapped)).toEqual(one.conflicts);
      expect(virtualBase(base, ours, theirs)).toEqual(virtualBase(base, theirs, ours));
    }),
    RUNS,
  );
});

it('drops no edit: each value is as one side made it, or it is a conflict', () => {
  fc.assert(
    fc.property(forks, ({ base, ours, theirs }) => {
      const { draft, conflicts } = mergeDefinitions(base, ours, theirs);
      const paths = conflicts.map(({ path }) => path);
      for (const pointer of new Set([base, ours, theirs, draft].flatMap((side) => pointersOf(side)))) {
        if (
          /^\/nodes\/[^/]*\/needs/.test(pointer) ||
          paths.some((path) => `${pointer}/`.startsWith(`${path}/`))
        )
          continue;
        const [b, o, t, d] = [base, ours, theirs, draft].map((side) => valueAt(side, parsePointer(pointer)!));
        // Objects on two sides are merged member by member: the members are looked at.
        if ([b, o, t].filter(isObject).length > 1) continue;
        const expected = isSame(o, b) ? t : isSame(t, b) || isSame(o, t) ? o : 'a conflict';
        expect([pointer, d]).toEqual([pointer, expected]);
      }
    }),
    RUNS,
  );
});

it('merges needs as sets: what one side added is there, what one removed is not', () => {
  fc.assert(
    fc.property(forks, ({ base, ours, theirs }) => {
      const { draft, conflicts } = mergeDefinitions(base, ours, theirs);
      for (const id of Object.keys(draft.nodes as JsonObject)) {
        if (conflicts.some(({ path }) => path === `/nodes/${id}`)) continue;
        const [b, o, t, d] = [base, ours, theirs, draft].map((side) => needsOf(side, id));
        const ids = [...'abcdef'];
        const expected = ids.filter((need) =>
          b!.has(need) ? o!.has(need) && t!.has(need) : o!.has(need) || t!.has(need),
        );
        const both_have_it = [ours, theirs].every((side) => Object.hasOwn(side.nodes as JsonObject, id));
        if (both_have_it) expect([...d!].sort()).toEqual(expected);
      }
    }),
    RUNS,
  );
});

it('without a conflict is valid, but for a need of a node that the other side removed', () => {
  let valid = 0;
  fc.assert(
    fc.property(forks, ({ base, ours, theirs }) => {
      const { draft, conflicts } = mergeDefinitions(base, ours, theirs);
      if (conflicts.length > 0) return;
      const problems = validateDefinition(draft);
      if (problems.length === 0) valid++;
      for (const { path, message } of problems) {
        expect(path).toMatch(/^\/nodes\/[a-f]\/needs\/\d+$/);
        expect(message).toMatch(/there is no node "[a-f]"/);
      }
    }),
    RUNS,
  );
  expect(valid).toBeGreaterThan(RUNS.numRuns / 10);
});

it('is resolved by any choice at each conflict', () => {
  fc.assert(
    fc.property(forks, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (sides, choices) => {
      const { draft, conflicts } = mergeDefinitions(sides.base, sides.ours, sides.theirs);
      const chosen = conflicts.map((conflict, i) => [conflict, choices[i] ? 'ours' : 'theirs'] as const);
      const patch = chosen.map(([conflict, side]) =>
        conflict[side] === undefined
          ? { op: 'remove', path: conflict.path }
          : { op: 'add', path: conflict.path, value: conflict[side] },
      );
      const parsed = parseOperations(patch, PATCH_LIMITS);
      expect(unsettled(conflicts, parsed)).toEqual([]);
      if (conflicts.length > 0) expect(unsettled(conflicts, parsed.slice(1))).toEqual([conflicts[0]]);
      const resolved = applyPatch(draft, patch);
      for (const [{ path }, side] of chosen)
        expect(valueAt(resolved, parsePointer(path)!)).toEqual(valueAt(sides[side], parsePointer(path)!));
    }),
    RUNS,
  );
});

it('on a base that was merged itself takes the one answer that both sides gave', () => {
  fc.assert(
    fc.property(forks, edits, ({ base, ours, theirs }, more) => {
      const virtual = virtualBase(base, ours, theirs);
      const answer = edited(ours, more);
      expect(mergeDefinitions(virtual, answer, answer)).toEqual({ draft: answer, conflicts: [] });
    }),
    RUNS,
  );
});

function pointersOf(value: Json, at = ''): string[] {
  if (!isObject(value)) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([key, inner]) => pointersOf(inner, `${at}/${escapeToken(key)}`)),
  ];
}

function needsOf(document: JsonObject, id: string): Set<Json> {
  const needs = valueAt(document, ['nodes', id, 'needs']);
  return new Set(Array.isArray(needs) ? needs : []);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSame = (a: Json | undefined, b: Json | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && isEqualJson(a, b));
