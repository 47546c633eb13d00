import { storeServices } from '../../src/domain/store.ts';
import { newId } from '../../src/ids.ts';
import { randomFrom, type Random } from '../support/random.ts';
import { insertRun } from '../support/runs.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../support/store.ts';
import { garbageOf } from './gc-model.ts';

const ROUNDS = Number(process.env.GC_ROUNDS ?? 8);
const STEPS = 100;
const SEED = Number(process.env.GC_SEED ?? Date.now() % 1_000_000);
const INLINE_BYTES = 2_048;
const TAGS = ['a', 'a/live', 'b', 'b/live', 'c'];
const DAY = 86_400;

let opened: TestStore;
let store: TestStore['store'];
let random: Random;

beforeAll(async () => {
  opened = await testStore({ limits: { inline_blob_bytes: INLINE_BYTES } });
  ({ store } = opened);
  random = randomFrom(SEED);
});
afterAll(() => opened?.close());

const sql = async (text: string, values: unknown[] = []) =>
  (await opened.database.pool.query<Record<string, unknown>>(text, values)).rows;
const some = async (query: string): Promise<Record<string, string> | undefined> => {
  const rows = (await sql(`${query} ORDER BY 1`)) as Record<string, string>[];
  return rows.length > 0 ? random.pick(rows) : undefined;
};
const someBlob = async () => (await some('SELECT cas_id FROM cas_blob WHERE stored'))?.cas_id ?? 'none';
const someVersion = () =>
  some('SELECT id, version_hash FROM artifact WHERE live AND version_hash IS NOT NULL');
/** Now and then so large that it is an object. */
const upload = (text: string) =>
  store.blobs.put(PROJECT_ID, Buffer.from(text + ' '.repeat(random.below(4) === 0 ? INLINE_BYTES : 0)), {
    media_type: 'text/plain',
  });

/** What may happen to a store. Each may be refused; what is written then is none of this test's business. */
const HAPPENINGS: Record<string, () => Promise<unknown>> = {
  upload: async () => upload(random.below(2) === 0 ? `${random.below(40)}` : `names ${await someBlob()}`),
  save: async () =>
    store.workflows.save(caller, {
      tag: random.pick(TAGS),
      definition: {
        ...definitionOf(random.below(30)),
        ...(random.below(3) === 0 && { files: { f: await someBlob() } }),
      },
      expectation: {},
    }),
  patch: async () =>
    store.patches.create(caller, {
      tag: random.pick(TAGS),
      operations: [
        {
          op: 'replace',
          path: '/nodes/a/config/value',
          value: random.below(5) === 0 ? await someBlob() : random.below(99),
        },
      ],
      expectation: {},
    }),
  move: async () =>
    store.tags.put(caller, random.pick(TAGS), {
      target: (await someVersion())?.id ?? 'none',
      expectation: {},
    }),
  undo: () => store.tags.undo(caller, random.pick(TAGS), { expectation: {} }),
  redo: () => store.tags.redo(caller, random.pick(TAGS), { expectation: {} }),
  delete: () => store.tags.delete(caller, random.pick(TAGS), { expectation: {} }),
  compact: async () => store.artifacts.compact(caller, (await someVersion())?.id ?? '', {}),
  merge: async () => {
    const [ours, theirs, base] = [await someVersion(), await someVersion(), await someVersion()];
    return store.merges.merge(caller, {
      ours: ours!.id!,
      theirs: theirs!.id!,
      base: base!.id!,
      expectation: {},
    });
  },
  approve: async () =>
    sql(
      `INSERT INTO tag_approval (project_id, tag_name, tag_version, target_id, approved_by) VALUES ($1, 'a', $2, $3, 'x')`,
      [PROJECT_ID, random.below(1_000), (await someVersion())?.id],
    ),
  run: async () => {
    const version = (await someVersion())!;
    const input = { file: random.below(2) === 0 ? await someBlob() : null };
    const input_ref = random.below(3) === 0 ? await someBlob() : null;
    await insertRun(opened.database.db, {
      artifact_id: version.id!,
      version_hash: version.version_hash!,
      input,
      input_ref,
    });
  },
  step: async () =>
    sql(
      `INSERT INTO step (run_id, epoch, node, attempt, state, output, output_ref) VALUES ($1, 0, $2, 1, 'succeeded', $3, $4)`,
      [
        (await some('SELECT id FROM run'))?.id,
        `n${random.below(1_000_000)}`,
        JSON.stringify({ made: await someBlob() }),
        random.below(2) === 0 ? await someBlob() : null,
      ],
    ),
  end: async () => {
    const run = await some('SELECT id FROM run');
    if (!run || random.below(2) === 0) return;
    for (const table of ['step', 'outbox', 'run_event', 'run_state_transition'])
      await sql(`DELETE FROM ${table} WHERE run_id = $1`, [run.id]);
    await sql('DELETE FROM run WHERE id = $1', [run.id]);
  },
  propose: async () => {
    const files = JSON.stringify({ f: await someBlob(), g: null });
    await sql(
      `WITH d AS (INSERT INTO draft (id, project_id, workflow, tag, created_by) VALUES ($1, $2, $1::text, 'd', 'x') RETURNING id)
       INSERT INTO proposal (id, project_id, draft_id, thread_id, instructions, status, base_id, files, created_by)
       SELECT $1, $2, id, $1, 'x', $3, $4, $5, 'x' FROM d`,
      [
        newId(),
        PROJECT_ID,
        random.pick(['processing', 'completed', 'failed']),
        (await someVersion())?.id ?? null,
        files,
      ],
    );
  },
  decide: async () =>
    sql(`UPDATE proposal SET status = 'rejected', resolved_at = now() WHERE id = $1`, [
      (await some('SELECT id FROM proposal'))?.id,
    ]),
  'time of moves': () =>
    sql(`UPDATE tag_move SET moved_at = moved_at - make_interval(days => $1) WHERE tag_name = $2`, [
      random.below(120),
      random.pick(TAGS),
    ]),
  'time of approvals': () => sql(`UPDATE tag_approval SET approved_at = approved_at - interval '50 days'`),
  // Of some only: what came later must at times be marked longer.
  'time of marks': async () => {
    const digit = random.below(17).toString(17);
    for (const [table, key] of [
      ['artifact', 'id'],
      ['cas_blob', 'cas_id'],
    ])
      await sql(
        `UPDATE ${table} SET unreachable_since = unreachable_since - make_interval(days => $1) WHERE right(${key}::text, 1) < $2`,
        [random.below(9), digit],
      );
  },
  mark: () => store.gc.mark(),
};

async function live(): Promise<void> {
  for (let n = 0; n < STEPS; n++) {
    const happening = HAPPENINGS[random.pick(Object.keys(HAPPENINGS))]!;
    await happening().catch(() => undefined);
  }
}

const modelOf = (grace_seconds: number) =>
  garbageOf(opened.database.pool, { undo_window_days: 90, grace_seconds }, async (cas_id) =>
    (await store.blobs.get(PROJECT_ID, cas_id)).bytes.toString('latin1'),
  );

async function whatIsThere() {
  const ids = (rows: Record<string, unknown>[]) => rows.map((row) => Object.values(row)[0] as string);
  return {
    artifacts: new Set(ids(await sql('SELECT id FROM artifact WHERE live'))),
    blobs: new Set(ids(await sql('SELECT cas_id FROM cas_blob WHERE stored'))),
  };
}

async function foretold(grace_seconds: number) {
  const items = [];
  let after: string | undefined;
  do {
    const page = await store.gc.preview({ grace_seconds, fate: 'collected', page: { after, limit: 100 } });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return {
    artifacts: items.flatMap((item) => item.artifact_id ?? []),
    blobs: items.flatMap((item) => item.cas_id ?? []),
  };
}

test(`a collection takes what the model says and a dry run foretold, from random stores (GC_SEED=${SEED})`, async () => {
  const taken = { artifacts: 0, blobs: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await live();
    const grace_seconds = random.pick([0, 3 * DAY, 3 * DAY]);
    const expected = await modelOf(grace_seconds);
    expect(await foretold(grace_seconds)).toEqual(expected);
    const before = await whatIsThere();
    await store.gc.mark();
    const collected = await store.gc.collect({ grace_seconds });
    const after = await whatIsThere();
    const gone = (things: 'artifacts' | 'blobs') =>
      [...before[things]].filter((id) => !after[things].has(id)).sort();
    expect({ artifacts: gone('artifacts'), blobs: gone('blobs') }).toEqual(expected);
    expect(collected).toMatchObject({ artifacts: expected.artifacts.length, blobs: expected.blobs.length });
    expect(await modelOf(grace_seconds)).toEqual({ artifacts: [], blobs: [] });
    await everythingReads();
    taken.artifacts += expected.artifacts.length;
    taken.blobs += expected.blobs.length;
  }
  // Otherwise nothing was tested.
  expect(Math.min(taken.artifacts, taken.blobs)).toBeGreaterThan(ROUNDS);
}, 240_000);

/** Every version that is left, with nothing but what is stored. */
async function everythingReads(): Promise<void> {
  await sql('DELETE FROM materialisation');
  const reader = storeServices({
    db: opened.database.db,
    ids: () => '',
  });
  for (const row of await sql(
    'SELECT id, version_hash FROM artifact WHERE live AND version_hash IS NOT NULL',
  )) {
    const { id, version_hash } = row as { id: string; version_hash: string };
    await reader.definitions.read(PROJECT_ID, { artifact_id: id, version_hash });
  }
}
