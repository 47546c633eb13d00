import pg from 'pg';
import { definition, transform } from '../support/definitions.ts';
import { contradictions } from '../support/model-check.ts';
import { spawnStack, type SpawnedStack } from '../support/spawned-stack.ts';

const GARBAGE = 40_000;

let stack: SpawnedStack;
let db: pg.Pool;

beforeAll(async () => {
  stack = await spawnStack({ from_sources: true });
  db = new pg.Pool({ connectionString: stack.dev().database_url, max: 2 });
  db.on('error', () => undefined);
}, 120_000);
afterAll(async () => {
  await db?.end();
  await stack?.remove();
});

const collected = async () => {
  const { rows } = await db.query<{ n: number }>('SELECT count(*)::int AS n FROM cas_blob WHERE NOT stored');
  return rows[0]!.n;
};

/** Garbage enough for a collection to take its time: what uploads leave behind, written straight into their rows. */
const litter = `INSERT INTO cas_blob (cas_id, size_bytes, content)
  SELECT 'sha256:' || encode(sha256(content), 'hex'), length(content), content
  FROM (SELECT convert_to(repeat(md5(n::text), 40), 'UTF8') AS content FROM generate_series(1, ${GARBAGE}) n) made`;

test('API and worker are killed in the middle of a collection: the next start ends it, and nothing that is reachable is lost', async () => {
  const file = await stack.api().call<{ version_hash: string }>('POST', '/workflows', {
    tag_name: 'kept',
    workflow: definition('kept', { a: transform(1) }),
  });
  await db.query(litter);
  const { status, body } = await stack
    .api()
    .call<{ id: string }>('POST', '/admin/gc?wait=0', { grace_seconds: 0 });
  expect(status).toBe(202);
  while ((await collected()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await stack.kill('main');
  const before = await collected();
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(GARBAGE);

  await stack.restart();
  const job = await ended(body.id);
  expect(job).toMatchObject({
    state: 'completed',
    report: { grace_seconds: 0, collected: { artifacts: 0 } },
  });
  expect(await collected()).toBe(GARBAGE);
  const read = await stack.api().call('GET', `/workflows/${file.body.version_hash}?materialize=true`);
  expect(read.status).toBe(200);
  const check = await stack.api().call('POST', '/admin/fsck?wait=60');
  expect(check).toMatchObject({ status: 200, body: { corrupt: [], problems: [] } });
  const { database_url, temporal_address } = stack.dev();
  expect(await contradictions(database_url, temporal_address)).toEqual([]);
}, 240_000);

async function ended(id: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { body } = await stack.api().call<{ state: string }>('GET', `/admin/jobs/${id}?wait=30`);
    if (body.state !== 'running') return body;
  }
}
