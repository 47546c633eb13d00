import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/contract/json.ts';

/** Definitions of transforms and maps of transforms: what becomes of them depends on their input alone. Short waits take their time. */

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];

const read = (needs: readonly string[]) =>
  needs.length === 0
    ? fc.constant('input.n')
    : fc.constantFrom(...needs.map((id) => `steps.${id}.output`), 'input.n');

/** Some of them fail: a string has no difference, and a list may be too short. */
const value = (needs: readonly string[]): fc.Arbitrary<Json> =>
  fc.oneof(
    read(needs).map((source) => `\${{ ${source} }}`),
    read(needs).map((source) => `\${{ ${source} + params.step }}`),
    read(needs).map((source) => ({ seen: `\${{ ${source} }}`, again: 'and ${{ input.word }}' })),
    fc.integer({ min: 0, max: 4 }).map((at) => `\${{ input.list[${at}] }}`),
    fc.constantFrom(1, 'x', '${{ input.n - 1 }}', '${{ input.word }}'),
  );

const guard = (needs: readonly string[]): fc.Arbitrary<string | undefined> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('${{ always() }}', '${{ input.n > 1 }}', '${{ input.list[2] > 1 }}'),
    },
    {
      weight: needs.length === 0 ? 0 : 2,
      arbitrary: fc
        .constantFrom(...(needs.length === 0 ? ['a'] : needs))
        .map((id) => `\${{ always() && steps.${id}.state == 'succeeded' }}`),
    },
  );

type Kind = 'transform' | 'map' | 'wait';
/** What a node may be; the first is by far the likeliest. */
type Kinds = readonly [Kind, ...Kind[]];

const LIGHT: Kinds = ['transform', 'map'];
const WAITING: Kinds = ['transform', 'map', 'wait'];

function bodyOf(kind: Kind, value: Json): JsonObject {
  if (kind === 'wait') return { type: 'wait', config: { duration_seconds: 0.02 } };
  if (kind === 'transform') return { type: 'transform', config: { value } };
  const node = { type: 'transform', config: { value: ['${{ item }}', value] } };
  return { type: 'map', config: { items: '${{ input.list }}', node, on_item_error: 'continue' } };
}

function node(earlier: readonly string[], [usual, ...others]: Kinds): fc.Arbitrary<JsonObject> {
  const kind = fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
  );
  return fc.subarray([...earlier], { maxLength: Math.min(2, earlier.length) }).chain((needs) =>
    fc
      .record({ kind, value: value(needs), guard: guard(needs), continue_on_error: fc.boolean() })
      .map(({ kind, value, guard, continue_on_error }): JsonObject => ({
        ...bodyOf(kind, value),
        ...(needs.length > 0 && { needs }),
        ...(guard !== undefined && { if: guard }),
        ...(continue_on_error && { continue_on_error }),
      })),
  );
}

type Nodes = Record<string, JsonObject>;

const nodesOf = (kinds: Kinds): fc.Arbitrary<Nodes> =>
  fc
    .integer({ min: 2, max: IDS.length })
    .chain((count) => fc.tuple(...IDS.slice(0, count).map((_, i) => node(IDS.slice(0, i), kinds))))
    .map((nodes) => Object.fromEntries(nodes.map((one, i) => [IDS[i]!, one])));

/** The same, but for one node that is another or new. */
const editOf = (nodes: Nodes, kinds: Kinds): fc.Arbitrary<Nodes> =>
  fc
    .constantFrom(...IDS.filter((id, i) => id in nodes || IDS[i - 1]! in nodes))
    .chain((id) => node(IDS.slice(0, IDS.indexOf(id)), kinds).map((edited) => ({ ...nodes, [id]: edited })));

const editedOf = (kinds: Kinds) =>
  nodesOf(kinds).chain((nodes) => fc.tuple(fc.constant(nodes), editOf(nodes, kinds)));

export const lightNodes = nodesOf(LIGHT);
/** Nodes, and the same with one that is another. */
export const editedNodes = editedOf(LIGHT);
/** With waits among them. */
export const editedWaitingNodes = editedOf(WAITING);

export const lightInput: fc.Arbitrary<JsonObject> = fc.record({
  n: fc.constantFrom<Json>(0, 1, 2, 'word'),
  word: fc.constantFrom('one', 'two'),
  list: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }),
});

export const lightDefinition = (name: string, nodes: Record<string, JsonObject>): JsonObject => ({
  schema_version: 1,
  name,
  params: { step: 2 },
  nodes,
});
