import fc from 'fast-check';
import { v7 } from 'uuid';
import { AppError } from '../../src/contract/errors.ts';
import { type StoreServices, storeServices } from '../../src/domain/store.ts';
import { type Database, openDatabase } from '../../src/persistence/db.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const project_id = '00000000-0000-7000-8000-000000000001';
const caller = { project_id, actor: 'client' };
const CLIENTS = 8;
const STEPS = Number(process.env.STORE_STEPS ?? 2_000);
const SEED = Number(process.env.STORE_SEED ?? Date.now() % 1_000_000);
let test_database: TestDatabase;
let database: Database;
let store: StoreServices;
let versions: string[];

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: CLIENTS });
  store = storeServices({ db: database.db, ids: v7 });
  versions = await Promise.all([0, 1, 2, 3, 4].map(saveVersion));
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

async function saveVersion(value: number): Promise<string> {
  const definition = { schema_version: 1, name: 'x', nodes: { a: { type: 'transform', config: { value } } } };
  return (await store.workflows.save(caller, { tag: `v${value}`, definition, expectation: {} })).head.id;
}

/** Undo and redo as anybody would write them down: a list of positions and a place in it. */
function model() {
  let positions: string[] = [];
  let place = -1;
  const apply: Record<string, (to: string | null) => void> = {
    create: (to) => ((positions = [to!]), (place = 0)),
    move: (to) => ((positions = [...positions.slice(0, place + 1), to!]), place++),
    undo: () => place--,
    redo: () => place++,
    delete: () => ((positions = []), (place = -1)),
  };
  return {
    apply: (type: string, to: string | null) => apply[type]!(to),
    at: () => positions[place] ?? null,
  };
}

type Command = { do: 'put' | 'undo' | 'redo' | 'delete'; target: number; careful: boolean };
const commands = fc.array(
  fc.record<Command>({
    do: fc.oneof(
      { weight: 10, arbitrary: fc.constant('put' as const) },
      { weight: 6, arbitrary: fc.constantFrom('undo' as const, 'redo' as const) },
      { weight: 1, arbitrary: fc.constant('delete' as const) },
    ),
    target: fc.nat(4),
    careful: fc.boolean(),
  }),
  { minLength: STEPS, maxLength: STEPS },
);

const EXPECTED = new Set(['not_found', 'version_conflict', 'nothing_to_undo', 'nothing_to_redo']);

async function perform(name: string, command: Command): Promise<void> {
  try {
    const version = command.careful ? (await store.tags.get(project_id, name)).version : undefined;
    const request = { expectation: { expected: version }, target: versions[command.target]! };
    await store.tags[command.do](caller, name, request);
  } catch (error) {
    if (!(error instanceof AppError) || !EXPECTED.has(error.code)) throw error;
  }
}

it(`${STEPS} random commands by ${CLIENTS} clients equal a single-threaded model (seed ${SEED})`, async () => {
  const name = 'raced/tag';
  const queue = fc.sample(commands, { seed: SEED, numRuns: 1 })[0]!.slice();
  const client = async () => {
    for (let command = queue.pop(); command; command = queue.pop()) await perform(name, command);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));

  const reference = model();
  let seq = 0;
  for await (const entry of wholeHistory(name)) {
    expect([entry.seq, entry.version]).toEqual([++seq, seq]);
    expect(entry.from_id).toBe(reference.at());
    reference.apply(entry.type, entry.to_id);
    expect(entry.to_id).toBe(reference.at());
  }
  const now = await store.tags.get(project_id, name).catch(() => undefined);
  expect(now?.target_id ?? null).toBe(reference.at());
  expect(now?.version ?? seq).toBe(seq);
  expect(seq).toBeGreaterThan(STEPS / 10);
}, 120_000);

async function* wholeHistory(name: string) {
  const entries = [];
  let before: number | undefined;
  do {
    const page = await store.tags.history(project_id, name, { before, limit: 100 });
    entries.push(...page.items);
    before = page.next;
  } while (before !== undefined);
  yield* entries.reverse();
}
