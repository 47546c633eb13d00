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

const CLIENTS = 6;
const SEED = Number(process.env.STORE_SEED ?? Date.now() % 1_000_000);
let opened: TestStore;
let store: StoreServices;
let versions: string[];

beforeAll(async () => {
  opened = await testStore({ max_connections: CLIENTS });
  ({ store } = opened);
  versions = await Promise.all([0, 1, 2].map((n) => save(`v${n}`, n)));
});

afterAll(() => opened?.close());

async function save(tag: string, value: unknown): Promise<string> {
  const request = { tag, definition: definitionOf(value), expectation: {} };
  return (await store.workflows.save(caller, request)).head.id;
}

type Verb = 'put' | 'undo' | 'redo' | 'delete' | 'save';
const commands = fc.array(
  fc.record({
    verb: fc.constantFrom<Verb>('put', 'put', 'put', 'undo', 'redo', 'delete', 'save'),
    target: fc.nat(2),
  }),
  { minLength: 60, maxLength: 60 },
);

async function perform(name: string, { verb, target }: { verb: Verb; target: number }): Promise<void> {
  try {
    if (verb === 'save') await save(name, target);
    else await store.tags[verb](caller, name, { target: versions[target]!, reason: 'why', expectation: {} });
  } catch (error) {
    if (!(error instanceof AppError) || !['conflict', 'not_found'].includes(error.family)) throw error;
  }
}

async function databaseTime(): Promise<Date> {
  const { rows } = await opened.database.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]!.now;
}

/** The next millisecond: two things that happen within one cannot be told apart. */
async function nextMillisecond(): Promise<Date> {
  const before = await databaseTime();
  for (;;) {
    const now = await databaseTime();
    if (now > before) return now;
  }
}

const unlessAbsent = <T>(reading: Promise<T>) =>
  reading.catch((error: AppError) => {
    if (error.code !== 'not_found') throw error;
    return undefined;
  });
const then = (name: string, time: Date) => unlessAbsent(store.tags.at(project_id, name, time));
const now = (name: string) => unlessAbsent(store.tags.get(project_id, name));

it(`what a tag was is what was seen then (seed ${SEED})`, async () => {
  const name = 'seen/tag';
  const seen = [{ time: await nextMillisecond(), tag: await now(name) }];
  for (const command of fc.sample(commands, { seed: SEED, numRuns: 1 })[0]!) {
    await nextMillisecond();
    await perform(name, command);
    seen.push({ time: await databaseTime(), tag: await now(name) });
  }
  for (const { time, tag } of seen) {
    const { target_id, target_hash, target_kind, version, moved_by, moved_at } = tag ?? {};
    const expected = tag && { name, target_id, target_hash, target_kind, version, moved_by, moved_at };
    expect([time, (await then(name, time)) ?? null]).toEqual([
      time,
      expected ? expect.objectContaining(expected) : null,
    ]);
  }
  expect(await then(name, new Date(Date.now() + 86_400_000))).toEqual(
    await then(name, await nextMillisecond()),
  );
});

it(`what a tag was agrees with its history, however many wrote at once (seed ${SEED})`, async () => {
  const name = 'raced/tag';
  const queue = fc.sample(commands, { seed: SEED, numRuns: 4 }).flat();
  const client = async () => {
    for (let command = queue.pop(); command; command = queue.pop()) await perform(name, command);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));

  const entries = await wholeHistory(store, name);
  expect(entries.length).toBeGreaterThan(50);
  const times = entries.map((entry) => entry.moved_at.getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const moments = [...new Set(times)].flatMap((time) => [time - 1, time, time + 1]);
  for (const moment of moments) {
    const last = entries.findLast((entry) => entry.moved_at.getTime() <= moment);
    const found = await then(name, new Date(moment));
    if (!last || last.type === 'delete') expect(found).toBeUndefined();
    else {
      const { seq, type, version, to_id: target_id, to_hash: target_hash } = last;
      const { moved_by, moved_at, reason, reverses_seq, break_glass } = last;
      const why = { seq, type, moved_by, moved_at, reason, reverses_seq, break_glass };
      expect(found).toMatchObject({ name, version, target_id, target_hash, ...why });
    }
  }
});
