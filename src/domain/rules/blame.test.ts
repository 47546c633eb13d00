import fc from 'fast-check';
import type { Json } from '../../contract/json.ts';
import { newestFirst, type StoredOperation, touchedBy, valueAt } from './blame.ts';
import { applyPatch } from './json-patch.ts';
import { isEqualJson } from './json-patch-equal.ts';
import { parsePointer } from './json-patch-pointer.ts';
import { historyOf } from './merge-base.ts';

const document: Json = { list: [{ x: 1 }, { x: 2 }, { x: 3 }], map: { '0': 'zero', 'a/b': 1, ab: 2 }, n: 1 };

it.each([
  ['', document],
  ['/list/1/x', 2],
  ['/map/0', 'zero'],
  ['/map/a~1b', 1],
  ['/list/-', undefined],
  ['/list/01', undefined],
  ['/n/x', undefined],
  ['/toString', undefined],
])('finds the value at "%s"', (pointer, value) => {
  expect(valueAt(document, parsePointer(pointer)!)).toEqual(value);
});

it.each<[StoredOperation, string, boolean]>([
  [{ op: 'replace', path: '/map/ab' }, '/map/ab', true],
  [{ op: 'replace', path: '/map/ab' }, '/map', true],
  [{ op: 'replace', path: '/map' }, '/map/ab', true],
  [{ op: 'replace', path: '' }, '/n', true],
  [{ op: 'replace', path: '/map/ab' }, '/map/abc', false],
  [{ op: 'replace', path: '/map/ab' }, '/map/a', false],
  [{ op: 'replace', path: '/list/1' }, '/list/2', false],
  [{ op: 'add', path: '/list/1' }, '/list/2', true],
  [{ op: 'remove', path: '/list/0' }, '/list/2/x', true],
  [{ op: 'move', from: '/list/0', path: '/n' }, '/list/2/x', true],
  [{ op: 'copy', from: '/list/0', path: '/n' }, '/list/2/x', false],
  [{ op: 'test', path: '/n' }, '/n', false],
])('%j touches %s: %s', (operation, pointer, touched) => {
  expect(touchedBy([operation])(pointer)).toBe(touched);
});

it('never passes a patch that changes the value', () => {
  const pointer = fc.constantFrom(
    ...['', '/list', '/list/0', '/list/1', '/list/2', '/list/-', '/list/0/x', '/list/1/x', '/map', '/map/0'],
    ...['/map/a~1b', '/map/ab', '/n'],
  );
  const value = fc.constantFrom<Json>(0, 1, [], [1, 2], {}, { x: 1 });
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy'),
    path: pointer,
    from: pointer,
    value,
  });
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 3 }), pointer, (patch, at) => {
      const after = tryPatch(patch);
      fc.pre(after !== undefined);
      const [old, now] = [document, after].map((json) => valueAt(json, parsePointer(at)!));
      const is_same = old === now || (old !== undefined && now !== undefined && isEqualJson(old, now));
      if (!touchedBy(patch)(at)) expect(is_same).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

function tryPatch(patch: unknown): Json | undefined {
  try {
    return applyPatch(document, patch);
  } catch {
    return undefined;
  }
}

it('visits a version only after everything that comes from it', () => {
  const version = (id: string, ...parents: string[]) => ({
    ...{ id, parents, kind: 'dag_version' as const, version_hash: id, compacted_from_id: null },
  });
  // The short way to r must not be taken first.
  const rows = [
    version('m', 'r', 'c'),
    version('c', 'b'),
    version('b', 'r'),
    version('r'),
    version('stranger'),
  ];
  expect(newestFirst(historyOf(rows), 'm').map(({ id }) => id)).toEqual(['m', 'c', 'b', 'r']);
});
