import fc from 'fast-check';
import { AppError } from '../../src/contract/errors.ts';
import type { StoreServices } from '../../src/domain/store.ts';
import {
  caller,
  definitionOf,
  PROJECT_ID as project_id,
  type TestStore,
  testStore,
  wholeHistory,
} from '../support/store.ts';

const CLIENTS = 8;
/** Each is raced for by all clients; on one alone they would mostly wait for each other. */
const TAGS = ['raced/a', 'raced/b', 'raced/c', 'raced/d'] as const;
const STEPS = Number(process.env.STORE_STEPS ?? 10_000);
const SEED = Number(process.env.STORE_SEED ?? Date.now() % 1_000_000);
let opened: TestStore;
let store: StoreServices;
let versions: string[];

beforeAll(async () => {
  opened = await testStore({ max_connections: CLIENTS });
  ({ store } = opened);
  versions = await Promise.all([0, 1, 2, 3, 4].map(saveVersion));
});

afterAll(() => opened?.close());

async function saveVersion(value: number): Promise<string> {
  const request = { tag: `v${value}`, definition: definitionOf(value), expectation: {} };
  return (await store.workflows.save(caller, request)).head.id;
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

type Command = { do: 'put' | 'undo' | 'redo' | 'delete'; tag: string; target: number; careful: boolean };
const commands = fc.array(
  fc.record<Command>({
    do: fc.oneof(
      { weight: 10, arbitrary: fc.constant('put' as const) },
      { weight: 6, arbitrary: fc.constantFrom('undo' as const, 'redo' as const) },
      { weight: 1, arbitrary: fc.constant('delete' as const) },
    ),
    tag: fc.constantFrom(...TAGS),
    target: fc.nat(4),
    careful: fc.boolean(),
  }),
  { minLength: STEPS, maxLength: STEPS },
);

const EXPECTED = new Set(['not_found', 'version_conflict', 'nothing_to_undo', 'nothing_to_redo']);

/** A client, with the version that it saw last of each tag: what a careful command of it expects. */
function client() {
  const seen = new Map<string, number>();
  return async (command: Command): Promise<void> => {
    const { tag, careful } = command;
    const request = {
      expectation: { expected: careful ? seen.get(tag) : undefined },
      target: versions[command.target]!,
    };
    try {
      const done = await store.tags[command.do](caller, tag, request);
      if (done) seen.set(tag, done.tag.version);
    } catch (error) {
      if (!(error instanceof AppError) || !EXPECTED.has(error.code)) throw error;
      const now = error.data.extra?.current_version;
      if (typeof now === 'number') seen.set(tag, now);
    }
  };
}

it(`${STEPS} random commands by ${CLIENTS} clients equal a single-threaded model (seed ${SEED})`, async () => {
  const queue = fc.sample(commands, { seed: SEED, numRuns: 1 })[0]!.slice();
  const work = async (perform = client()) => {
    for (let command = queue.pop(); command; command = queue.pop()) await perform(command);
  };
  await Promise.all(Array.from({ length: CLIENTS }, () => work()));

  let written = 0;
  for (const name of TAGS) written += await compareWithModel(name);
  expect(written).toBeGreaterThan(STEPS / 10);
}, 120_000);

/** Replays a history; answers how many entries it has. */
async function compareWithModel(name: string): Promise<number> {
  const reference = model();
  let seq = 0;
  for (const entry of await wholeHistory(store, name)) {
    expect([entry.seq, entry.version]).toEqual([++seq, seq]);
    expect(entry.from_id).toBe(reference.at());
    reference.apply(entry.type, entry.to_id);
    expect(entry.to_id).toBe(reference.at());
  }
  const now = await store.tags.get(project_id, name).catch(() => undefined);
  expect(now?.target_id ?? null).toBe(reference.at());
  expect(now?.version ?? seq).toBe(seq);
  return seq;
}
