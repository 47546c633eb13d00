import pg from 'pg';
import { eventually } from '../../test/support/eventually.ts';
import { insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, type TestStore, testStore } from '../../test/support/store.ts';
import { eventLogRepository } from './event-log.ts';
import { settleRestoredLog } from './event-log-restore.ts';
import { eventSinkRepository } from './event-sinks.ts';

let opened: TestStore;
let client: pg.Client;

beforeAll(async () => {
  opened = await testStore();
  client = new pg.Client({ connectionString: opened.database.pool.options.connectionString });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await opened.close();
});

it('lets readers of a restored log go on where they were, and see what is new', async () => {
  const { db } = opened.database;
  const log = eventLogRepository(db);
  const sinks = eventSinkRepository(db);
  const { head } = await opened.store.workflows.save(caller, {
    tag: 'w',
    definition: definitionOf(1),
    expectation: {},
  });
  const version = { artifact_id: head.id, version_hash: head.version_hash };
  await sinks.ensure('behind');
  await sinks.ensure('done');
  const runs: string[] = [];
  for (let i = 0; i < 3; i++) runs.push(await insertRun(db, version));
  // What transactions of others, in other databases too, might come before is not shown yet.
  const shown = (position: Parameters<typeof log.after>[0], count: number) =>
    eventually(async () => {
      const events = await log.after(position, 10);
      return events.length >= count ? events : undefined;
    });
  const [first, , third] = await shown((await sinks.claim('behind'))!.position, 3);
  expect(await settleRestoredLog(client)).toBe(false);

  // A dump of a PostgreSQL that had counted a billion transactions more.
  const far = (tx: string) => String(1_000_000_000 + Number(tx));
  await client.query(`UPDATE run_event SET tx = (tx::text::bigint + 1000000000)::text::xid8`);
  for (const [name, at] of [
    ['behind', first!],
    ['done', third!],
  ] as const)
    await client.query(
      'UPDATE event_sink SET tx = $2::xid8, run_id = $3, seq = $4, leased_until = now() WHERE name = $1',
      [name, far(at.tx), at.run_id, at.seq],
    );
  expect(await settleRestoredLog(client)).toBe(true);
  expect(await settleRestoredLog(client)).toBe(false);
  const fresh = await insertRun(db, version);
  const seenBy = async (name: string, count: number) => {
    const { position } = (await sinks.claim(name))!;
    return (await shown(position, count)).map(({ run_id }) => run_id);
  };
  expect(await seenBy('behind', 3)).toEqual([runs[1], runs[2], fresh]);
  expect(await seenBy('done', 1)).toEqual([fresh]);
});
