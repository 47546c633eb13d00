import { insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, testStore, type TestStore } from '../../test/support/store.ts';
import { JUDGE } from '../persistence/health.ts';
import { healthSweeper } from './health.ts';

let opened: TestStore;

beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened?.close());

const limits = { unresponsive_after_seconds: 135 };

/** So many external runs, all heard of just now. */
async function manyRuns(count: number): Promise<void> {
  const { store, database } = opened;
  const { head } = await store.workflows.save(caller, {
    tag: 'x',
    definition: definitionOf(1),
    expectation: {},
  });
  await insertRun(database.db, { artifact_id: head.id, version_hash: head.version_hash });
  await database.pool.query(
    `WITH r AS (
       INSERT INTO run (id, project_id, type, workflow, artifact_id, version_hash, executor, state, input, params, created_by)
       SELECT gen_random_uuid(), project_id, type, workflow, artifact_id, version_hash, 'external', 'running', '{}', '{}', 'bulk'
       FROM run, generate_series(1, $1) RETURNING id
     ) INSERT INTO run_heartbeat (run_id, at, due_at, status, step, checkpoint_version, samples_per_sec)
       SELECT id, now(), now() + interval '45 s', 'running', 1, 1, 1 FROM r`,
    [count],
  );
  await database.pool.query('VACUUM ANALYZE run_heartbeat, run');
}

/** Lets some of them be silent for so long. */
async function silence(count: number, seconds: number): Promise<void> {
  await opened.database.pool.query(
    `UPDATE run_heartbeat SET at = at - make_interval(secs => $2), due_at = due_at - make_interval(secs => $2)
     WHERE run_id IN (SELECT run_id FROM run_heartbeat WHERE at > now() - interval '30 s' LIMIT $1)`,
    [count, seconds],
  );
}

test('with 100,000 runs a sweep reads those that are silent, by the index', async () => {
  await manyRuns(100_000);
  await silence(3, 50);
  const scans = scansOf(await explained());
  expect(scans.map((node) => node['Index Name'])).toContain('run_heartbeat_due');
  const whole = scans.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']);
  expect(whole).toEqual([]);
  // Three silent runs, a few rows each: the other hundred thousand are not read.
  const rows = scans.map((node) => node['Actual Rows'] * node['Actual Loops']);
  expect(Math.max(...rows)).toBeLessThanOrEqual(6);

  const sweeper = healthSweeper({ db: opened.database.db, limits });
  expect(await sweeper.sweep()).toEqual({ heartbeat_stale: 3, unresponsive: 0 });
  expect(await sweeper.sweep()).toEqual({ heartbeat_stale: 0, unresponsive: 0 });
  // More than one statement looks at.
  await silence(1_200, 200);
  opened.statements.length = 0;
  expect(await sweeper.sweep()).toEqual({ heartbeat_stale: 0, unresponsive: 1_200 });
  expect(opened.statements).toHaveLength(3);
});

async function explained(): Promise<PlanNode> {
  const client = await opened.database.pool.connect();
  try {
    await client.query('BEGIN');
    const text = `EXPLAIN (ANALYZE, FORMAT JSON) ${JUDGE.text}`;
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(text, [500, 135]);
    return rows[0]!['QUERY PLAN'][0].Plan;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** Every look at a table. */
function scansOf(node: PlanNode): PlanNode[] {
  const below = (node.Plans ?? []).flatMap(scansOf);
  const isScan = node['Relation Name'] !== undefined && node['Node Type'].includes('Scan');
  return isScan || node['Index Name'] ? [node, ...below] : below;
}
