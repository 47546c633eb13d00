import { insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../../test/support/store.ts';
import { newId } from '../ids.ts';
import { retentionService } from './retention.ts';

let opened: TestStore;
let version: { artifact_id: string; version_hash: string };

beforeAll(async () => {
  opened = await testStore();
  const { head } = await opened.store.workflows.save(caller, {
    tag: 'w',
    definition: definitionOf(1),
    expectation: {},
  });
  version = { artifact_id: head.id, version_hash: head.version_hash };
});
afterAll(() => opened.close());

const sql = async (text: string, values: unknown[] = []) =>
  (await opened.database.pool.query<Record<string, unknown>>(text, values)).rows;
const service = (retention_days: number) =>
  retentionService({ db: opened.database.db, retention_days, undo_window_days: 90 });
const TABLES = ['run', 'step', 'run_event', 'run_state_transition', 'run_command', 'outbox'];
const rowsOf = (run_id: string) =>
  Promise.all(
    TABLES.map(
      async (table) =>
        (await sql(`SELECT FROM ${table} WHERE ${table === 'run' ? 'id' : 'run_id'} = $1`, [run_id])).length,
    ),
  );

async function run(ended_days_ago?: number): Promise<string> {
  const id = await insertRun(opened.database.db, version);
  await sql(`INSERT INTO step (run_id, epoch, node, attempt, state) VALUES ($1, 0, 'a', 1, 'succeeded')`, [
    id,
  ]);
  await sql(
    `INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by) VALUES ($1, 'c', 'pause', '{}', '', 'rejected', 'x')`,
    [id],
  );
  if (ended_days_ago !== undefined)
    await sql(
      `UPDATE run SET state = 'completed', ended_at = now() - make_interval(days => $2) WHERE id = $1`,
      [id, ended_days_ago],
    );
  return id;
}

it('deletes runs that ended too long ago, with all their rows, and no other', async () => {
  const [open, young, old] = [await run(), await run(89), await run(91)];
  await sql(`UPDATE run SET created_at = now() - interval '5 years' WHERE id = $1`, [open]);
  expect(await service(0).expireRuns()).toEqual({ runs: 0 });
  expect(await service(90).expireRuns()).toEqual({ runs: 1 });
  expect(await rowsOf(old)).toEqual([0, 0, 0, 0, 0, 0]);
  for (const id of [open, young]) expect(await rowsOf(id)).toEqual([1, 1, 1, 1, 1, 1]);
});

it('keeps the runs of each project as long as the project says, else as long as the installation does', async () => {
  const set = (settings: object) =>
    sql('UPDATE project SET settings = $2 WHERE id = $1', [PROJECT_ID, JSON.stringify(settings)]);
  const [young, old] = [await run(3), await run(8)];
  await set({ run_retention_days: 0 });
  expect(await service(1).expireRuns()).toEqual({ runs: 0 });
  await set({ run_retention_days: 7 });
  expect(await service(0).expireRuns()).toMatchObject({ runs: expect.any(Number) as number });
  expect([await rowsOf(young), await rowsOf(old)]).toEqual([
    [1, 1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0, 0],
  ]);
  await set({ run_retention_days: null });
  expect(await service(0).expireRuns()).toEqual({ runs: 0 });
  expect(await service(2).expireRuns()).toEqual({ runs: 1 });
  await set({});
});

it('goes on from what an attempt before it had done, batch by batch, and stops between two', async () => {
  const ids = await Promise.all(Array.from({ length: 250 }, () => run(100)));
  const stop = new AbortController();
  let seen = { runs: 0 };
  const report = (progress: { runs: number }) => {
    seen = { ...progress };
    stop.abort(new Error('cut off'));
  };
  await expect(service(90).expireRuns({ report, signal: stop.signal })).rejects.toThrow('cut off');
  expect(seen).toEqual({ runs: 200 });
  expect(await service(90).expireRuns({ from: seen })).toEqual({ runs: 250 });
  for (const id of ids) expect(await rowsOf(id)).toEqual([0, 0, 0, 0, 0, 0]);
});

it('leaves the version and the record of a deleted run to the next collection', async () => {
  const id = await run(100);
  const [{ manifest_id }] = (await sql('SELECT manifest_id FROM run WHERE id = $1', [id])) as [
    { manifest_id: string },
  ];
  await service(90).expireRuns();
  await opened.store.gc.mark();
  await opened.store.gc.collect({ grace_seconds: 0 });
  expect(await sql('SELECT live FROM artifact WHERE id = $1', [manifest_id])).toEqual([{ live: false }]);
});

it('deletes approvals of versions that their tag has left, and what old checks found', async () => {
  const approve = (tag_version: number, days: number) =>
    sql(
      `INSERT INTO tag_approval (project_id, tag_name, tag_version, target_id, approved_by, approved_at)
       VALUES ($1, 'w', $2, $3, $4, now() - make_interval(days => $5))`,
      [PROJECT_ID, tag_version, version.artifact_id, `by ${days}`, days],
    );
  await approve(0, 91);
  await approve(0, 10);
  await approve(1, 91);
  const find = `INSERT INTO fsck_finding (job_id, kind, about, detail, found_at) VALUES (gen_random_uuid(), 'k', 'a', 'd', now() - make_interval(days => $1))`;
  await sql(find, [91]);
  await sql(find, [1]);
  expect(await service(90).expireNotes()).toEqual({ approvals: 1, findings: 1, frames: 0 });
  expect(await sql('SELECT tag_version, approved_by FROM tag_approval ORDER BY 1')).toEqual([
    { tag_version: 0, approved_by: 'by 10' },
    { tag_version: 1, approved_by: 'by 91' },
  ]);
});

it('deletes all that was heard of proposals that were over too long ago, and nothing of others', async () => {
  const draft_id = newId();
  await sql(
    `INSERT INTO draft (id, project_id, workflow, tag, created_by) VALUES ($1, $2, 'w', 'w/draft', 'x')`,
    [draft_id, PROJECT_ID],
  );
  const heard = async (status: string, days: number) => {
    const id = newId();
    const is_decided = ['approved', 'rejected', 'superseded'].includes(status);
    await sql(
      `INSERT INTO proposal (id, project_id, draft_id, thread_id, instructions, status, created_by, completed_at, resolved_at, last_frame_seq)
       SELECT $1, $2, $3, $1, 'x', $4, 'x', t, CASE WHEN $5 THEN t END, 3 FROM (SELECT now() - make_interval(days => $6) AS t) t`,
      [id, PROJECT_ID, draft_id, status, is_decided, days],
    );
    await sql(
      `INSERT INTO proposal_frame (proposal_id, seq, type, time, data) SELECT $1, n, 'status', now(), '{}' FROM generate_series(1, 3) n`,
      [id],
    );
    return id;
  };
  const old = await Promise.all(
    Array.from({ length: 210 }, (_, n) =>
      heard(['approved', 'rejected', 'superseded', 'failed'][n % 4]!, 91),
    ),
  );
  const kept = [await heard('completed', 91), await heard('approved', 89), await heard('processing', 91)];
  expect(await service(0).expireNotes()).toMatchObject({ frames: 0 });
  expect(await service(90).expireNotes()).toMatchObject({ frames: 630 });
  expect(await sql('SELECT DISTINCT proposal_id FROM proposal_frame ORDER BY 1')).toEqual(
    kept.sort().map((proposal_id) => ({ proposal_id })),
  );
  expect(await sql('SELECT count(*)::int AS n FROM proposal')).toEqual([{ n: old.length + kept.length }]);
});
