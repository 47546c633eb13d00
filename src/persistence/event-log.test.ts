import pg from 'pg';
import { insertRun } from '../../test/support/runs.ts';
import { settledLog } from '../../test/support/settled-log.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../../test/support/store.ts';
import type { LoggedEvent, LogPosition } from '../contract/events.ts';
import { type EventLogRepository, eventLogRepository } from './event-log.ts';

let opened: TestStore;
let log: EventLogRepository;
let version: { artifact_id: string; version_hash: string };
const clients: pg.Client[] = [];

beforeAll(async () => {
  opened = await testStore({ max_connections: 4 });
  log = eventLogRepository(opened.database.db);
  const { head } = await opened.store.workflows.save(caller, {
    tag: 'w',
    definition: definitionOf(1),
    expectation: {},
  });
  version = { artifact_id: head.id, version_hash: head.version_hash };
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
});
afterAll(() => opened.close());

const newRun = () => insertRun(opened.database.db, version);

/** A connection of its own, so that transactions can lie across each other. */
async function session(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: opened.database.pool.options.connectionString });
  await client.connect();
  clients.push(client);
  return client;
}

/** Adds an event as every writer does: the row of the run first, then its number. */
const ADD = `WITH r AS (UPDATE run SET last_event_seq = last_event_seq + 1 WHERE id = $1 RETURNING id, last_event_seq)
  INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, 'run.noted', '{}' FROM r`;
const add = (client: Pick<pg.Client, 'query'>, run_id: string) => client.query(ADD, [run_id]);

const settled = () => settledLog(opened.database.db);
async function settledHorizon(): Promise<LogPosition> {
  await settled();
  return log.horizon();
}

const keyOf = ({ run_id, seq }: Pick<LoggedEvent, 'run_id' | 'seq'>) => `${run_id}:${seq}`;

async function followed(from: LogPosition, limit = 100): Promise<string[]> {
  const keys: string[] = [];
  for (let at = from; ;) {
    const events = await log.after(at, limit);
    keys.push(...events.map(keyOf));
    const last = events.at(-1);
    if (!last) return keys;
    at = last;
  }
}

it('shows an event only when none can come before it any more', async () => {
  const [one, other] = [await newRun(), await newRun()];
  const start = await settledHorizon();
  const [early, late] = [await session(), await session()];
  await early.query('BEGIN');
  await add(early, one);
  await add(late, other);
  // The second is committed, but the first would sort before it.
  expect(await log.after(start, 10)).toEqual([]);
  expect(await log.hasUnsettled()).toBe(true);
  await early.query('COMMIT');
  await settled();
  expect(await followed(start)).toEqual([`${one}:2`, `${other}:2`]);
});

it('keeps the order of a run when a transaction is overtaken while it waits for the run', async () => {
  const run = await newRun();
  const start = await settledHorizon();
  const [slow, fast] = [await session(), await session()];
  await slow.query('BEGIN');
  // An UPDATE takes the transaction's id before it waits for the row: here the same, at leisure.
  await slow.query('SELECT pg_current_xact_id()');
  await add(fast, run);
  await add(slow, run);
  await slow.query('COMMIT');
  await settled();
  const events = await log.after(start, 10);
  expect(events.map(({ seq }) => seq)).toEqual([2, 3]);
});

it('gives a reader that follows all along every event once, those of a run in order', async () => {
  const runs = await Promise.all(Array.from({ length: 4 }, newRun));
  const start = await settledHorizon();
  const per_writer = 60;
  let writing = true;
  const write = async (index: number) => {
    const client = await session();
    for (let i = 0; i < per_writer; i++) {
      await client.query('BEGIN');
      if (i % 3 === 0) await client.query('SELECT pg_current_xact_id()');
      if (i % 5 === 0) await client.query('SELECT pg_sleep(random() * 0.01)');
      await add(client, runs[(index + i) % runs.length]!);
      await client.query(i % 7 === 0 ? 'ROLLBACK' : 'COMMIT');
    }
  };
  const seen: LoggedEvent[] = [];
  const read = async () => {
    for (let at = start; ;) {
      const was_over = !writing && !(await log.hasUnsettled());
      const events = await log.after(at, 3);
      seen.push(...events);
      at = events.at(-1) ?? at;
      if (events.length === 0 && was_over) return;
    }
  };
  const reading = read();
  await Promise.all([0, 1, 2, 3, 4].map(write));
  writing = false;
  await reading;
  const { rows } = await opened.database.pool.query<{ run_id: string; seq: number }>(
    'SELECT run_id, seq FROM run_event WHERE run_id = ANY ($1) AND seq > 1 ORDER BY run_id, seq',
    [runs],
  );
  expect(rows.length).toBeGreaterThan(200);
  for (const run of runs)
    expect(seen.filter(({ run_id }) => run_id === run).map(({ seq }) => seq)).toEqual(
      rows.filter(({ run_id }) => run_id === run).map(({ seq }) => seq),
    );
  expect(seen.length).toBe(rows.length);
});

it('reads one project, up to a place', async () => {
  const run = await newRun();
  const start = await settledHorizon();
  for (let i = 0; i < 3; i++) await add(opened.database.pool, run);
  await settled();
  const all = await log.after(start, 10);
  expect(all.map(keyOf)).toEqual([`${run}:2`, `${run}:3`, `${run}:4`]);
  expect(await log.afterIn(PROJECT_ID, start, 10, all[1])).toEqual(all.slice(0, 2));
  expect(await log.afterIn(PROJECT_ID, all[0]!, 1)).toEqual(all.slice(1, 2));
  expect(await log.afterIn('00000000-0000-7000-8000-00000000000f', start, 10)).toEqual([]);
});
