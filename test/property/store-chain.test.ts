import fc from 'fast-check';
import { v7 } from 'uuid';
import type { Json } from '../../src/contract/json.ts';
import { AppError } from '../../src/contract/errors.ts';
import { encodeJson } from '../../src/domain/blobs-encode.ts';
import { applyPatch } from '../../src/domain/rules/json-patch.ts';
import { type StoreServices, storeServices } from '../../src/domain/store.ts';
import {
  caller,
  definitionOf,
  PROJECT_ID as project_id,
  type TestStore,
  testStore,
} from '../support/store.ts';

/** Short, so that chains fill up and are compacted by themselves again and again. */
const COMPACT_AFTER = 3;
let opened: TestStore;
let store: StoreServices;
let tags = 0;

beforeAll(async () => {
  opened = await testStore({ limits: { compact_after: COMPACT_AFTER } });
  ({ store } = opened);
});

afterAll(() => opened?.close());

const key = fc.constantFrom('a', 'b', 'c', 'd');
const operation = fc.oneof(
  fc.record({ op: fc.constant('add'), path: key.map((k) => `/params/${k}`), value: fc.nat(3) }),
  fc.record({ op: fc.constant('remove'), path: key.map((k) => `/params/${k}`) }),
  fc.record({
    op: fc.constantFrom('move', 'copy'),
    from: key.map((k) => `/params/${k}`),
    path: key.map((k) => `/params/${k}`),
  }),
);
type Step =
  | { do: 'patch'; operations: unknown[] }
  | { do: 'compact'; move: boolean }
  | { do: 'undo' }
  | { do: 'redo' }
  | { do: 'revert'; pick: number };
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('patch' as const),
      operations: fc.array(operation, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('compact' as const), move: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('undo' as const, 'redo' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revert' as const), pick: fc.nat() }) },
);

/** Where a tag was, by hand: what each position holds, and in what order it was first reached. */
interface Position {
  id: string;
  document: Json;
}
interface Model {
  positions: Position[];
  place: number;
  patches: string[];
}

const REFUSALS = new Set([
  'patch_conflict',
  'nothing_to_undo',
  'nothing_to_redo',
  'state_conflict',
  'revert_conflict',
]);

it('patches, compactions, reverts and undo in any order: chain = squash = replay, and no read changes by a byte', async () => {
  const done = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
      const tag = `t${++tags}`;
      const document = { ...definitionOf(1), params: {} } as unknown as Json;
      const { head } = await store.workflows.save(caller, { tag, definition: document, expectation: {} });
      const model: Model = { positions: [{ id: head.id, document }], place: 0, patches: [] };
      const seen = [head.id];
      for (const one of steps) {
        if (await perform(tag, model, one)) done.set(one.do, (done.get(one.do) ?? 0) + 1);
        const { id } = model.positions[model.place]!;
        if (!seen.includes(id)) seen.push(id);
      }
      await compareTag(tag, model, seen);
      for (const position of model.positions) await comparePosition(position);
    }),
    { numRuns: 60 },
  );
  for (const name of ['patch', 'compact', 'undo', 'redo', 'revert'])
    expect([name, done.get(name) ?? 0]).not.toEqual([name, 0]);
  const { rows } = await opened.database.pool.query(
    'SELECT 1 FROM artifact WHERE compacted_from_id IS NOT NULL LIMIT 1',
  );
  expect(rows).toHaveLength(1);
}, 120_000);

/** One step on the tag and on the model; false when it was refused, which must leave the tag as it was. */
async function perform(tag: string, model: Model, one: Step): Promise<boolean> {
  try {
    await STEPS[one.do](tag, model, one as never);
    return true;
  } catch (error) {
    if (!(error instanceof AppError) || !REFUSALS.has(error.code)) throw error;
    return false;
  }
}

const STEPS = {
  async patch(tag: string, model: Model, { operations }: Step & { do: 'patch' }) {
    const { changed, head } = await store.patches.create(caller, { tag, operations, expectation: {} });
    const document = applyPatch(model.positions[model.place]!.document, operations);
    if (changed) advance(model, { id: head.id, document });
    if (changed) model.patches.push(head.id);
  },
  async compact(tag: string, model: Model, { move }: Step & { do: 'compact' }) {
    const { id, document } = model.positions[model.place]!;
    const request = move ? { tag: { name: tag, expectation: {} } } : {};
    const { artifact } = await store.artifacts.compact(caller, id, request);
    if (move) advance(model, { id: artifact.id, document });
  },
  async undo(tag: string, model: Model) {
    await store.tags.undo(caller, tag, { expectation: {} });
    model.place--;
  },
  async redo(tag: string, model: Model) {
    await store.tags.redo(caller, tag, { expectation: {} });
    model.place++;
  },
  async revert(tag: string, model: Model, { pick }: Step & { do: 'revert' }) {
    const id = model.patches[pick % Math.max(1, model.patches.length)];
    if (id === undefined) return;
    const { changed, head } = await store.patches.revert(caller, id, { tag, expectation: {} });
    if (!changed) return;
    const { operations } = await store.patches.get(project_id, head.id);
    const document = applyPatch(model.positions[model.place]!.document, operations);
    advance(model, { id: head.id, document });
    model.patches.push(head.id);
  },
};

function advance(model: Model, position: Position): void {
  model.positions.splice(++model.place, Infinity, position);
}

async function compareTag(tag: string, { positions, place }: Model, seen: string[]): Promise<void> {
  const head = await store.refs.resolve(project_id, tag);
  expect(head.artifact_id).toBe(positions[place]!.id);
  const { items } = await store.workflows.versions(project_id, tag, { limit: 100 });
  expect(items.map((version) => [version.number, version.id]).reverse()).toEqual(
    seen.map((id, index) => [index + 1, id]),
  );
}

/** Read from the cache, from its snapshot, by replaying its chain, and from its compaction: always the same bytes. */
async function comparePosition({ id, document }: Position): Promise<void> {
  const expected = encodeJson(document);
  const artifact = await store.artifacts.get(project_id, id);
  expect(artifact.version_hash).toBe(expected.cas_id);
  expect(artifact.depth).toBeLessThanOrEqual(COMPACT_AFTER);
  const readers = [store, storeServices({ db: opened.database.db, ids: v7 }), await replaying()];
  for (const reader of readers)
    expect(encodeJson((await reader.artifacts.materialise(artifact)) as unknown as Json)).toEqual(expected);
  const { items } = await store.artifacts.chain(project_id, id, { limit: 100 });
  expect(items.map((link) => link.seq)).toEqual(Array.from({ length: artifact.depth }, (_, i) => i + 1));
  if (artifact.kind !== 'patch_set') return;
  expect(items.at(-1)?.id).toBe(id);
  const { artifact: squashed } = await store.artifacts.compact(caller, id, {});
  expect((await store.blobs.get(project_id, squashed.cas_id)).bytes).toEqual(expected.bytes);
}

/** A store that finds no snapshot and has to replay. */
async function replaying(): Promise<StoreServices> {
  await opened.database.pool.query('DELETE FROM materialisation');
  return storeServices({ db: opened.database.db, ids: v7 });
}
