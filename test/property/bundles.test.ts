import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { AppError } from '../../src/contract/errors.ts';
import type { StoreServices } from '../../src/domain/store.ts';
import { bundleOf, importOf } from '../support/bundles.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../support/store.ts';

const SEED = Number(process.env.STORE_SEED ?? Date.now() % 1_000_000);
const RUNS = Number(process.env.BUNDLE_RUNS ?? 12);
const nothing = { expectation: {} };
let here: TestStore;
let there: TestStore;

beforeAll(async () => {
  [here, there] = await Promise.all([testStore(), testStore()]);
});

afterAll(() => Promise.all([here?.close(), there?.close()]));

type Step = {
  do: 'save' | 'patch' | 'merge' | 'compact' | 'revert' | 'undo' | 'redo' | 'branch' | 'pull';
  tag: number;
  value: number;
};
const steps = fc.array(
  fc.record<Step>({
    do: fc.constantFrom(
      'save',
      'patch',
      'patch',
      'patch',
      'merge',
      'compact',
      'revert',
      'undo',
      'redo',
      'branch',
      'pull',
      'pull',
    ),
    tag: fc.nat(2),
    value: fc.nat(3),
  }),
  { minLength: 5, maxLength: 40 },
);

/** What may happen to any step: the state just does not allow it. */
const EXPECTED = new Set([
  'not_found',
  'nothing_to_undo',
  'nothing_to_redo',
  'state_conflict',
  'merge_conflict',
  'no_merge_base',
]);

async function write(store: StoreServices, workflow: string, step: Step): Promise<void> {
  const names = [workflow, `${workflow}/a`, `${workflow}/b`];
  const [tag, other] = [names[step.tag]!, names[(step.tag + 1) % 3]!];
  const actions: Record<Exclude<Step['do'], 'pull'>, () => Promise<unknown>> = {
    save: () => store.workflows.save(caller, { tag, definition: definitionOf(step.value), ...nothing }),
    patch: () => {
      const operations = [{ op: 'add', path: '/description', value: `${step.value}` }];
      return store.patches.create(caller, { tag, operations, ...nothing });
    },
    merge: () => store.merges.merge(caller, { ours: tag, theirs: other, tag, ...nothing }),
    compact: async () => {
      const { target_id } = await store.tags.get(PROJECT_ID, tag);
      await store.artifacts.compact(caller, target_id, { tag: { name: tag, expectation: {} } });
    },
    revert: async () => {
      const { target_id } = await store.tags.get(PROJECT_ID, tag);
      await store.patches.revert(caller, target_id, { tag, ...nothing });
    },
    undo: () => store.tags.undo(caller, tag, nothing),
    redo: () => store.tags.redo(caller, tag, nothing),
    branch: () => store.tags.put(caller, tag, { target: other, ...nothing }),
  };
  await actions[step.do as 'save']().catch((error: unknown) => {
    if (!(error instanceof AppError) || !EXPECTED.has(error.code)) throw error;
  });
}

const headsOf = async ({ store }: TestStore, workflow: string) =>
  (await store.tags.list({ project_id: PROJECT_ID, workflow }, { limit: 100 })).items;

let followed = 0;

/** Brings a reader up to date by what it says it has. */
async function pull(workflow: string): Promise<void> {
  const have = (await headsOf(there, workflow)).flatMap((tag) => [tag.target_id, tag.target_hash]);
  const thin = await bundleOf(here.store, workflow, have);
  const { tags } = await importOf(there.store, thin);
  const ours = new Map((await headsOf(there, workflow)).map((tag) => [tag.name, tag]));
  for (const tag of await headsOf(here, workflow)) {
    const { result } = tags.find(({ name }) => name === tag.name)!;
    // A tag that was moved back or aside over there is not followed, and says so.
    if (result === 'ahead' || result === 'diverged') continue;
    followed += result === 'fast_forwarded' ? 1 : 0;
    expect([tag.name, ours.get(tag.name)!.target_hash]).toEqual([tag.name, tag.target_hash]);
  }
}

it(`any history, pulled at any moments, is here what it is there (seed ${SEED})`, async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const workflow = `w${count++}`;
      await write(here.store, workflow, { do: 'save', tag: 0, value: 0 });
      await pull(workflow);
      // Nothing stands apart yet: this one is followed for sure.
      await write(here.store, workflow, { do: 'save', tag: 0, value: 1 });
      await pull(workflow);
      for (const step of history) {
        if (step.do === 'pull') await pull(workflow);
        else await write(here.store, workflow, step);
      }
      await pull(workflow);
      const whole = await bundleOf(here.store, workflow);
      const { tags } = await importOf(there.store, whole, { as: `${workflow}-copy` });
      for (const tag of await headsOf(here, workflow)) {
        const copied = tags.find(({ name }) => name === tag.name.replace(workflow, `${workflow}-copy`))!;
        expect([copied.result, copied.version_hash]).toEqual(['created', tag.target_hash]);
        const [original, copy] = [
          await here.store.refs.resolve(PROJECT_ID, tag.name),
          await there.store.refs.resolve(PROJECT_ID, copied.name),
        ];
        expect(await there.store.definitions.read(PROJECT_ID, copy)).toEqual(
          await here.store.definitions.read(PROJECT_ID, original),
        );
      }
      expect((await importOf(there.store, whole)).imported).toEqual({ artifacts: 0, blobs: 0 });
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(followed).toBeGreaterThanOrEqual(RUNS);
  // The store's own check: every blob, every version materialised again, every link.
  const job_id = randomUUID();
  const { fsck } = there.store;
  await fsck.checkBlobs(job_id);
  await fsck.checkVersions(job_id);
  await fsck.checkRelations(job_id);
  expect((await fsck.findings(job_id, { limit: 10 })).items).toEqual([]);
}, 300_000);
