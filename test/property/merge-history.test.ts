import fc from 'fast-check';
import { v7 } from 'uuid';
import { AppError } from '../../src/contract/errors.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import type { MergeRequest } from '../../src/domain/merges.ts';
import type { Caller } from '../../src/domain/refs.ts';
import { valueAt } from '../../src/domain/rules/blame.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { diffJson } from '../../src/domain/rules/diff.ts';
import { isEqualJson } from '../../src/domain/rules/json-patch-equal.ts';
import { parsePointer } from '../../src/domain/rules/json-patch-pointer.ts';
import type { Conflict } from '../../src/domain/rules/merge.ts';
import { type StoreServices, storeServices } from '../../src/domain/store.ts';
import { type Database, openDatabase } from '../../src/persistence/db.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { type Edit, edited, edits } from '../support/edited-definitions.ts';
import { definition, transform } from '../support/definitions.ts';

const caller: Caller = { project_id: '00000000-0000-7000-8000-000000000001', actor: 'client', role: 'owner' };
const { project_id } = caller;
const STEPS = 60;
const HISTORIES = Number(process.env.MERGE_HISTORIES ?? 8);
const SEED = Number(process.env.STORE_SEED ?? Date.now() % 1_000_000);
let test_database: TestDatabase;
let database: Database;
let store: StoreServices;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 4 });
  store = storeServices({ db: database.db, ids: v7 });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

interface Known {
  id: string;
  parents: string[];
  document: JsonObject;
}

type Step = { do: 'patch' | 'save' | 'merge' | 'compact'; on: number; with: number; edits: Edit[] };
const steps = fc.array(
  fc.record<Step>({
    do: fc.constantFrom('patch', 'patch', 'save', 'merge', 'merge', 'compact'),
    on: fc.nat(2),
    with: fc.nat(2),
    edits,
  }),
  { minLength: STEPS, maxLength: STEPS },
);

/** Three branches, and every version they ever had, as anybody would write it down. */
function history(name: string) {
  const branches = [name, `${name}/one`, `${name}/two`];
  const known = new Map<string, Known>();
  const headOf = async (tag: string) => {
    const { artifact_id } = await store.refs.resolve(project_id, tag);
    const { id, parents, compacted_from_id, version_hash } = await store.artifacts.get(
      project_id,
      artifact_id,
    );
    const document = await store.definitions.read(project_id, { artifact_id, version_hash: version_hash! });
    const origin = compacted_from_id ?? id;
    if (!known.has(origin)) {
      const standing = await Promise.all(parents.map((parent) => standingFor(parent)));
      known.set(origin, { id: origin, parents: standing, document: document as unknown as JsonObject });
    }
    return known.get(origin)!;
  };
  const standingFor = async (id: string) =>
    (await store.artifacts.get(project_id, id)).compacted_from_id ?? id;
  return { branches, known, headOf };
}

async function perform({ branches, headOf }: ReturnType<typeof history>, step: Step): Promise<void> {
  const tag = branches[step.on]!;
  const { id, document } = await headOf(tag);
  const target = edited(document, step.edits);
  if (step.do === 'save') await store.workflows.save(caller, { tag, definition: target, expectation: {} });
  if (step.do === 'patch')
    await store.patches.create(caller, { tag, operations: diffJson(document, target), expectation: {} });
  if (step.do === 'merge') await merge({ ours: tag, theirs: branches[step.with]!, tag, expectation: {} });
  if (step.do === 'compact' && (await store.artifacts.get(project_id, id)).kind === 'patch_set')
    await store.artifacts
      .compact(caller, id, { tag: { name: tag, expectation: {} } })
      .catch(ignore('state_conflict'));
  await headOf(tag);
}

/** Conflicts are settled for ours; a merge that makes no definition is left. */
async function merge(request: MergeRequest): Promise<void> {
  try {
    await store.merges.merge(caller, request);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'merge_conflict')
      return ignore('definition_invalid')(error);
    const conflicts = error.data.extra!.conflicts as Conflict[];
    const resolutions = conflicts.flatMap(({ path, ours }) => [
      { op: 'add', path, value: ours ?? null },
      ...(ours === undefined ? [{ op: 'remove', path }] : []),
    ]);
    await store.merges.merge(caller, { ...request, resolutions }).catch(ignore('definition_invalid'));
  }
}

const ignore = (code: string) => (error: unknown) => {
  if (!(error instanceof AppError) || error.code !== code) throw error;
};

function ancestors(known: Map<string, Known>, id: string, seen = new Set<string>()): Set<string> {
  if (seen.has(id)) return seen;
  seen.add(id);
  for (const parent of known.get(id)!.parents) ancestors(known, parent, seen);
  return seen;
}

/** Who set a value, by comparing every version with its parents. */
function blamed(known: Map<string, Known>, id: string, pointer: string): string {
  const at = (of: string) => valueAt(known.get(of)!.document, parsePointer(pointer)!);
  const here = at(id)!;
  const parent = known.get(id)!.parents.find((p) => at(p) !== undefined && isEqualJson(at(p) as Json, here));
  return parent === undefined ? id : blamed(known, parent, pointer);
}

const samples = fc.sample(steps, { seed: SEED, numRuns: HISTORIES });

it.each(samples.map((sample, i) => [i, sample] as const))(
  `branches, patches, merges and compaction in any order can be told apart and traced (seed ${SEED}, %i)`,
  async (i, sample) => {
    const story = history(`story${i}`);
    const { branches, known, headOf } = story;
    const root = definition('x', { a: transform(1), b: transform(2, { needs: ['a'] }) });
    await store.workflows.save(caller, { tag: branches[0]!, definition: root, expectation: {} });
    for (const branch of branches.slice(1))
      await store.tags.put(caller, branch, { target: branches[0]!, expectation: {} });
    await headOf(branches[0]!);
    for (const step of sample) await perform(story, step);
    expect(known.size).toBeGreaterThan(10);

    for (const head of branches) {
      const { id, document } = await headOf(head);
      expect(validateDefinition(document)).toEqual([]);
      for (const base of branches) {
        const [ours, theirs] = [ancestors(known, id), ancestors(known, (await headOf(base)).id)];
        expect(await store.ancestry.compare(project_id, { base, head })).toMatchObject({
          ahead: [...ours].filter((one) => !theirs.has(one)).length,
          behind: [...theirs].filter((one) => !ours.has(one)).length,
        });
      }
      const { nodes } = await store.blame.nodes(project_id, head);
      expect(nodes.map(({ pointer, artifact_id }) => [pointer, artifact_id])).toEqual(
        nodes.map(({ pointer }) => [pointer, blamed(known, id, pointer)]),
      );
      expect(nodes).toHaveLength(Object.keys(document.nodes as JsonObject).length);
    }
  },
);
