import type { Json, JsonObject } from '../../contract/json.ts';
import { mergeDefinitions, virtualBase } from './merge.ts';

const document = (nodes: JsonObject, more: JsonObject = {}): JsonObject => ({ name: 'x', nodes, ...more });
const node = (value: Json, more: JsonObject = {}): JsonObject => ({
  type: 'transform',
  config: { value },
  ...more,
});
const base = document({ a: node(1), b: node(2, { needs: ['a'] }) }, { params: { p: 1, q: 2 } });
const edit = (
  change: (copy: { nodes: Record<string, JsonObject>; params?: JsonObject }) => void,
): JsonObject => {
  const copy = structuredClone(base);
  change(copy as never);
  return copy;
};

it('takes what one side changed, added or removed', () => {
  const ours = edit(({ nodes, params }) => {
    nodes.a!.timeout_seconds = 5;
    delete params!.q;
  });
  const theirs = edit(({ nodes, params }) => {
    nodes.a!.config = { value: 7 };
    nodes.c = node(3);
    params!.r = 3;
  });
  expect(mergeDefinitions(base, ours, theirs)).toEqual({
    draft: document(
      { a: node(7, { timeout_seconds: 5 }), b: node(2, { needs: ['a'] }), c: node(3) },
      { params: { p: 1, r: 3 } },
    ),
    conflicts: [],
  });
});

it('names conflicts by kind and leaves out the member of a side that has no value', () => {
  const ours = edit(({ nodes, params }) => {
    nodes.a = node('ours');
    delete (nodes as JsonObject).b;
    nodes.c = node(1);
    params!.p = null;
  });
  const theirs = edit(({ nodes, params }) => {
    nodes.a = node('theirs');
    nodes.b!.timeout_seconds = 9;
    nodes.c = node(2);
    delete params!.p;
  });
  const { draft, conflicts } = mergeDefinitions(base, ours, theirs);
  expect(conflicts).toEqual([
    { path: '/nodes/a/config/value', kind: 'both_changed', base: 1, ours: 'ours', theirs: 'theirs' },
    {
      path: '/nodes/b',
      kind: 'changed_deleted',
      base: node(2, { needs: ['a'] }),
      theirs: node(2, { needs: ['a'], timeout_seconds: 9 }),
    },
    { path: '/nodes/c', kind: 'both_added', ours: node(1), theirs: node(2) },
    { path: '/params/p', kind: 'changed_deleted', base: 1, ours: null },
  ]);
  expect(draft).toEqual(base);
});

it('does not take equal changes for a conflict, whatever the order of their members', () => {
  const changed = edit(({ nodes }) => (nodes.c = { type: 'wait', config: { until: 'x' } }));
  const same = edit(({ nodes }) => (nodes.c = { config: { until: 'x' }, type: 'wait' }));
  expect(mergeDefinitions(base, changed, same)).toEqual({ draft: changed, conflicts: [] });
});

it('takes a list as a whole', () => {
  const with_list = (list: Json[]) => document({}, { params: { list } });
  const { conflicts } = mergeDefinitions(with_list([1, 2, 3]), with_list([0, 2, 3]), with_list([1, 2, 4]));
  expect(conflicts).toMatchObject([{ path: '/params/list', kind: 'both_changed' }]);
});

it.each<{ name: string; of?: string[]; ours?: string[]; theirs?: string[]; is: string[] }>([
  { name: 'both add', of: ['a'], ours: ['a', 'c'], theirs: ['a', 'b'], is: ['a', 'b', 'c'] },
  { name: 'one removes, one adds', of: ['a', 'b'], ours: ['b'], theirs: ['a', 'b', 'c'], is: ['b', 'c'] },
  { name: 'one removes all of it', of: ['a'], theirs: ['a', 'b'], is: ['b'] },
  { name: 'both begin it', ours: ['b'], theirs: ['a'], is: ['a', 'b'] },
  {
    name: 'one only turns it round',
    of: ['a', 'b'],
    ours: ['b', 'a'],
    theirs: ['a', 'b', 'c'],
    is: ['a', 'b', 'c'],
  },
  { name: 'both remove another', of: ['a', 'b'], ours: ['a'], theirs: ['b'], is: [] },
])('merges needs as a set: $name', ({ of, ours, theirs, is }) => {
  const needing = (needs: string[] | undefined) => document({ x: node(1, needs && { needs }) });
  expect(mergeDefinitions(needing(of), needing(ours), needing(theirs))).toEqual({
    draft: needing(is),
    conflicts: [],
  });
  expect(mergeDefinitions(needing(of), needing(theirs), needing(ours)).draft).toEqual(needing(is));
});

it('merges params and files that both sides began', () => {
  const ours = document({}, { params: { p: 1 }, files: { a: 1 } });
  const theirs = document({}, { params: { q: 2 }, files: { a: 2 } });
  expect(mergeDefinitions(document({}), ours, theirs)).toEqual({
    draft: document({}, { params: { p: 1, q: 2 }, files: {} }),
    conflicts: [{ path: '/files/a', kind: 'both_added', ours: 1, theirs: 2 }],
  });
});

it('keeps a member called __proto__ a member', () => {
  const of = (text: string) => document({}, { params: JSON.parse(text) as JsonObject });
  const { draft } = mergeDefinitions(
    of('{"__proto__":{"a":1}}'),
    of('{"__proto__":{"a":2}}'),
    of('{"__proto__":{"a":1},"b":1}'),
  );
  expect(JSON.stringify(draft)).toBe('{"name":"x","nodes":{},"params":{"__proto__":{"a":2},"b":1}}');
});

describe('a base that was merged itself', () => {
  const with_p = (p: Json) => document({ a: node(p) });
  const disputed = virtualBase(with_p(0), with_p(1), with_p(2));

  it('takes neither side for unchanged where its own sides were in conflict', () => {
    for (const [ours, theirs] of [
      [1, 2],
      [2, 1],
      [0, 1],
    ]) {
      const { conflicts } = mergeDefinitions(disputed, with_p(ours!), with_p(theirs!));
      expect(conflicts).toEqual([{ path: '/nodes/a/config/value', kind: 'both_changed', ours, theirs }]);
    }
    expect(mergeDefinitions(disputed, with_p(3), with_p(3))).toEqual({ draft: with_p(3), conflicts: [] });
  });

  it('shows in a conflict only what is known of it', () => {
    const { draft, conflicts } = mergeDefinitions(disputed, document({}), with_p(5));
    expect(conflicts).toEqual([
      { path: '/nodes/a', kind: 'changed_deleted', base: { type: 'transform', config: {} }, theirs: node(5) },
    ]);
    expect(JSON.stringify(draft)).not.toContain('null');
  });
});
