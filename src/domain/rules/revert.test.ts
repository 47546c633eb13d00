import fc from 'fast-check';
import type { Json, JsonObject } from '../../contract/json.ts';
import { validateDefinition } from './definition.ts';
import { diffJson } from './diff.ts';
import { applyPatch } from './json-patch.ts';
import { revertPatch } from './revert.ts';
import type { LaterPatch, Operation } from './revert-standing.ts';

type Operations = LaterPatch['operations'];

const node = (value: Json, more: JsonObject = {}): JsonObject => ({
  type: 'transform',
  config: { value },
  ...more,
});
const base: JsonObject = {
  schema_version: 1,
  name: 'x',
  params: { a: 1, b: 1, list: [1, 2, 3] },
  nodes: { a: node(1), b: node(2, { needs: ['a'] }), y: node(3), z: node(4) },
};
const set = (path: string, value: Json) => [{ op: 'replace', path, value }];
const add = (path: string, value: Json) => [{ op: 'add', path, value }];

const replayedFrom = (document: JsonObject, patches: readonly LaterPatch[]) =>
  patches.reduce<Json>((state, { operations }) => applyPatch(state, operations), document) as JsonObject;

/** Takes back the first of the patches. */
function revert(first: Operations, ...later: Operations[]) {
  const after = applyPatch(base, first) as JsonObject;
  const patches = later.map((operations, i) => ({ id: `p${i + 1}`, operations }));
  return revertPatch(
    { id: 'p0', before: base, after, later: patches, head: replayedFrom(after, patches) },
    validateDefinition,
  );
}
const replayed = (...patches: Operations[]) =>
  patches.reduce<Json>((document, operations) => applyPatch(document, operations), base);

describe('a patch that no later one depends on', () => {
  it.each<[string, Operations, ...Operations[]]>([
    ['the last one', set('/params/a', 2)],
    ['a value beside others', set('/params/a', 2), set('/params/b', 2), add('/params/c', 3)],
    ['a node', add('/nodes/c', node(3)), set('/nodes/a/config/value', 9), add('/nodes/d', node(4))],
    [
      'a member of a node that others change',
      set('/nodes/a/config/value', 9),
      add('/nodes/a/if', '${{ true }}'),
    ],
    ['a removal', [{ op: 'remove', path: '/params/a' }], set('/params/b', 5)],
    ['a need among others', add('/nodes/b/needs/-', 'y'), add('/nodes/b/needs/-', 'z')],
    ['one that a later patch put back', set('/params/a', 2), set('/params/a', 1)],
    [
      'what a node that came and went needed',
      add('/nodes/c', node(3)),
      add('/nodes/d', node(4, { needs: ['c'] })),
      [{ op: 'remove', path: '/nodes/d' }],
    ],
  ])('goes: %s', (_, first, ...later) => {
    expect(revert(first, ...later)).toEqual({ document: replayed(...later), obstacles: [] });
  });
});

describe('a later patch that depends on it is named', () => {
  it.each<[string, Operations, Operations, string[]]>([
    ['for writing over it', set('/params/a', 2), set('/params/a', 3), ['/params/a']],
    ['for writing into it', add('/params/o', {}), add('/params/o/x', 1), ['/params/o/x']],
    ['for removing it', add('/params/o', 1), [{ op: 'remove', path: '/params/o' }], ['/params/o']],
    ['for writing around it', set('/params/a', 2), set('/params', { a: 2, z: 1 }), ['/params/a']],
    [
      'for writing the whole again',
      set('/params/a', 2),
      set('', { ...base, params: { a: 2 } }),
      ['/params/a'],
    ],
    [
      'for testing it',
      set('/params/a', 2),
      [{ op: 'test', path: '/params/a', value: 2 }, ...set('/params/b', 2)],
      ['/params/a'],
    ],
    [
      'for copying it',
      set('/params/a', 2),
      [{ op: 'copy', from: '/params/a', path: '/params/z' }],
      ['/params/z'],
    ],
    [
      'for moving it',
      add('/params/o', 2),
      [{ op: 'move', from: '/params/o', path: '/params/z' }],
      ['/params/o', '/params/z'],
    ],
    [
      'for counting places in a list it changed',
      [{ op: 'remove', path: '/params/list/0' }],
      set('/params/list/1', 9),
      ['/params/list'],
    ],
    [
      'for needing a node it brought',
      add('/nodes/c', node(3)),
      add('/nodes/d', node(4, { needs: ['c'] })),
      ['/nodes/d/needs/0'],
    ],
    [
      'for taking away what it made needless',
      set('/nodes/b/needs', []),
      [{ op: 'remove', path: '/nodes/a' }],
      ['/nodes/b/needs/0'],
    ],
  ])('%s', (_, first, second, pointers) => {
    expect(revert(first, second).obstacles).toEqual([{ patch_id: 'p1', pointers }]);
    // The same whoever comes between and after.
    const other = add('/description', 'd');
    expect(revert(first, other, second, add('/nodes/q', node(1))).obstacles).toEqual([
      { patch_id: 'p2', pointers },
    ]);
  });

  it('unless it was taken back since, and nothing of it is left', () => {
    const after = applyPatch(base, add('/params/o', {})) as JsonObject;
    const into = { id: 'into', operations: add('/params/o/x', 1) };
    const back = { id: 'back', reverts_id: 'into', operations: [{ op: 'remove', path: '/params/o/x' }] };
    const taken = (...later: LaterPatch[]) =>
      revertPatch(
        { id: 'p0', before: base, after, later, head: replayedFrom(after, later) },
        validateDefinition,
      );
    expect(taken(into, back)).toEqual({ document: base, obstacles: [] });
    // The same change made by hand may mean something else.
    expect(taken(into, { ...back, reverts_id: null }).obstacles).toHaveLength(2);
    expect(taken(into, back, { id: 'again', operations: add('/params/o/y', 1) }).obstacles).toHaveLength(1);
  });

  it('and so is what depends on that one', () => {
    const { obstacles } = revert(
      add('/params/o', {}),
      add('/params/o/x', 1),
      add('/params/free', 1),
      [{ op: 'copy', from: '/params/o/x', path: '/params/y' }],
      set('/params/y', 2),
    );
    expect(obstacles.map(({ patch_id }) => patch_id)).toEqual(['p1', 'p3', 'p4']);
  });
});

describe('on random patches', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    fc.record({
      op: fc.constant('add'),
      path: key.map((k) => `/params/${k}`),
      value: fc.nat(2),
    }),
    fc.record({
      op: fc.constant('add'),
      path: key.map((k) => `/params/o/${k}`),
      value: fc.nat(2),
    }),
    fc.record({ op: fc.constant('remove'), path: key.map((k) => `/params/${k}`) }),
    fc.record({
      op: fc.constant('copy'),
      from: key.map((k) => `/params/${k}`),
      path: key.map((k) => `/params/o/${k}`),
    }),
    fc.record({
      op: fc.constant('move'),
      from: key.map((k) => `/params/${k}`),
      path: key.map((k) => `/params/${k}`),
    }),
    fc.record({
      op: fc.constant('add'),
      path: fc.constant('/params/list/1'),
      value: fc.nat(2),
    }),
  );
  const start = { ...base, params: { a: 0, b: 0, c: 0, o: {}, list: [0, 1] } };

  /** Those of the patches that apply one after the other, and the states they lead through. */
  function chainOf(candidates: Operations[]) {
    const states: JsonObject[] = [start];
    const patches: LaterPatch[] = [];
    for (const operations of candidates) {
      try {
        states.push(applyPatch(states.at(-1)!, operations) as JsonObject);
        patches.push({ id: String(patches.length), operations });
      } catch {
        // It does not fit here.
      }
    }
    return { states, patches };
  }

  it('an accepted result is the chain replayed without the patch, and taking the revert back gives the head', () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.array(fc.array(operation, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        (candidates, pick) => {
          const { states, patches } = chainOf(candidates);
          fc.pre(patches.length > 0);
          const at = pick % patches.length;
          const later = patches.slice(at + 1);
          const reversal = {
            id: patches[at]!.id,
            before: states[at]!,
            after: states[at + 1]!,
            later,
            head: states.at(-1)!,
          };
          const { document, obstacles } = revertPatch(reversal, () => []);
          if (obstacles.length > 0) return;
          accepted += 1;
          const without = later.reduce<Json>(
            (state, { operations }) => applyPatch(state, operations),
            states[at]!,
          );
          expect(document).toEqual(without);
          const head = states.at(-1)!;
          const undo = { id: 'undo', before: head, after: document, later: [], head: document };
          expect(applyPatch(head, diffJson(head, document))).toEqual(document);
          expect(revertPatch(undo, () => []).document).toEqual(head);
        },
      ),
      { numRuns: 600 },
    );
    expect(accepted).toBeGreaterThan(60);
  });

  /** Chains in which a value that was put back hid a part of what stood in the way. */
  const HIDDEN: [Operation[][]][] = [
    [
      [
        [...add('/params/list/1', 0), { op: 'copy', from: '/params/a', path: '/params/o/b' }],
        [...add('/params/b', 1), ...add('/params/o/b', 0)],
        [{ op: 'copy', from: '/params/b', path: '/params/o/a' }],
        [...add('/params/b', 0), ...add('/params/list/1', 0)],
        add('/params/b', 1),
      ],
    ],
    [
      [
        [
          { op: 'copy', from: '/params/a', path: '/params/o/c' },
          { op: 'remove', path: '/params/c' },
        ],
        [...add('/params/o/c', 0), ...add('/params/c', 0)],
        [...add('/params/c', 0), { op: 'move', from: '/params/c', path: '/params/a' }],
        [{ op: 'remove', path: '/params/a' }],
      ],
    ],
    [
      [
        [
          { op: 'remove', path: '/params/b' },
          { op: 'copy', from: '/params/a', path: '/params/o/c' },
        ],
        [...add('/params/o/c', 0), { op: 'move', from: '/params/c', path: '/params/b' }],
        [{ op: 'move', from: '/params/b', path: '/params/a' }, ...add('/params/a', 0)],
        add('/params/b', 0),
      ],
    ],
  ];

  it('taking back what is in the way, newest first, clears the way', () => {
    let cleared = 0;
    fc.assert(
      fc.property(
        fc.array(fc.array(operation, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 6 }),
        (candidates) => {
          const { states, patches } = chainOf(candidates);
          let rounds = 0;
          fc.pre(patches.length > 1);
          /** Adds the revert of a patch to the chain, unless something is in the way. */
          const takeBack = (id: string) => {
            const at = patches.findIndex((patch) => patch.id === id);
            const later = patches.slice(at + 1);
            const { document, obstacles } = revertPatch(
              { id, before: states[at]!, after: states[at + 1]!, later, head: states.at(-1)! },
              () => [],
            );
            if (obstacles.length > 0) return obstacles;
            patches.push({
              id: `revert ${id}`,
              reverts_id: id,
              operations: diffJson(states.at(-1)!, document),
            });
            states.push(document);
            return [];
          };
          /**
           * What is in the way may have something in its own way, and once it is gone what it hid may be in the way:
           * a value that was put back, or written again as it was.
           */
          const clear = (id: string): void => {
            for (let obstacles = takeBack(id); obstacles.length > 0; obstacles = takeBack(id)) {
              cleared += 1;
              expect((rounds += 1)).toBeLessThan(50);
              for (const { patch_id } of [...obstacles].reverse()) clear(patch_id);
            }
          };
          clear('0');
          const head = states.at(-1);
          expect(takeBack('0')).toEqual([]);
          expect(states.at(-1)).toEqual(head);
        },
      ),
      { numRuns: 300, examples: HIDDEN },
    );
    expect(cleared).toBeGreaterThan(30);
  });
});
