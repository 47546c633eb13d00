import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { v7 } from 'uuid';
import { databaseUrl, onServer, type TestDatabase, testDatabase } from '../../test/support/database.ts';

const PROJECT = '00000000-0000-7000-8000-000000000001';
const OTHER_PROJECT = '00000000-0000-7000-8000-000000000002';
const HASH = `sha256:${'0'.repeat(64)}`;
const OTHER_HASH = `sha256:${'1'.repeat(64)}`;

let test_database: TestDatabase;
let client: pg.Client;

async function connect(url: string): Promise<pg.Client> {
  const connected = new pg.Client({ connectionString: url });
  await connected.connect();
  return connected;
}

async function seed(on: pg.Client): Promise<void> {
  await on.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [OTHER_PROJECT]);
  const media_type = await on.query(
    "SELECT FROM information_schema.columns WHERE table_name = 'cas_blob' AND column_name = 'media_type'",
  );
  const [name, value] = media_type.rowCount === 0 ? ['', ''] : [', media_type', ", 'application/json'"];
  for (const hash of [HASH, OTHER_HASH])
    await on.query(`INSERT INTO cas_blob (cas_id, size_bytes, content${name}) VALUES ($1, 1, 'x'${value})`, [
      hash,
    ]);
}

interface Row {
  id: string;
  kind: string;
  project_id: string;
  version_hash: string;
  base_version: string | null;
  depth: number;
  parents: string[];
  compacted_from_id: string | null;
  reverts_id: string | null;
}

/** Inserts an artifact as it is given, right or wrong. */
async function insert(on: pg.Client, given: Partial<Row>): Promise<string> {
  const row = { id: v7(), kind: 'patch_set', project_id: PROJECT, version_hash: HASH, ...given };
  const columns = Object.keys(row);
  await on.query(
    `INSERT INTO artifact (${columns.join(', ')}, cas_id, plan_hash, created_by)
     VALUES (${columns.map((_, i) => `$${i + 1}`).join(', ')}, '${HASH}', ${row.kind === 'patch_set' ? `'${HASH}'` : 'NULL'}, 'test')`,
    Object.values(row),
  );
  return row.id;
}
const version = (more: Partial<Row> = {}) => insert(client, { kind: 'dag_version', ...more });
const patch = (base_version: string, parent: string, depth: number, more: Partial<Row> = {}) =>
  insert(client, { base_version, parents: [parent], depth, ...more });

beforeAll(async () => {
  test_database = await testDatabase();
  client = await connect(test_database.url);
  await seed(client);
});

afterAll(async () => {
  await client?.end();
  await test_database?.drop();
});

describe('the chain of a patch set', () => {
  it('is what the links between patches say, whoever shares them', async () => {
    const base = await version();
    const one = await patch(base, base, 1);
    const two = await patch(base, one, 2);
    const [left, right] = [await patch(base, two, 3), await patch(base, two, 3)];
    const chainOf = async (id: string) =>
      (
        await client.query<{ seq: number; member_id: string }>(
          'SELECT seq, member_id FROM patch_chain_member WHERE head_id = $1 ORDER BY seq',
          [id],
        )
      ).rows.map(({ seq, member_id }) => [seq, member_id]);
    expect(await chainOf(left)).toEqual([
      [1, one],
      [2, two],
      [3, left],
    ]);
    expect(await chainOf(right)).toEqual([
      [1, one],
      [2, two],
      [3, right],
    ]);
    expect(await chainOf(base)).toEqual([]);
  });

  it.each<
    [string, (at: { base: string; one: string; stranger: string; foreign: string }) => Promise<unknown>]
  >([
    ['a gap', ({ base, one }) => patch(base, one, 3)],
    ['a place that is taken from below', ({ base, one }) => patch(base, one, 1)],
    ['a first patch that is not on its base', ({ base, stranger }) => patch(base, stranger, 1)],
    ['a link to a patch on another base', ({ base, stranger }) => patch(stranger, base, 2)],
    ['a link into another chain', ({ stranger, one }) => patch(stranger, one, 2)],
    ['a link to what is not there', ({ base }) => patch(base, v7(), 2)],
    ['no link', ({ base }) => insert(client, { base_version: base, depth: 2, parents: [] })],
    ['no base', ({ base }) => insert(client, { depth: 1, parents: [base] })],
    ['a base of another project', ({ foreign }) => patch(foreign, foreign, 1)],
    ['a base that is a patch', ({ one }) => patch(one, one, 1)],
    ['a version with a depth', ({ base }) => version({ depth: 1, parents: [base] })],
  ])('cannot have %s', async (_, attempt) => {
    const base = await version();
    const one = await patch(base, base, 1);
    const stranger = await version();
    const foreign = await version({ project_id: OTHER_PROJECT });
    await expect(attempt({ base, one, stranger, foreign })).rejects.toMatchObject({ code: /^23/ });
  });

  it('cannot lose a member, or have one moved', async () => {
    const base = await version();
    const one = await patch(base, base, 1);
    await patch(base, one, 2);
    await expect(client.query('DELETE FROM artifact WHERE id = $1', [one])).rejects.toMatchObject({
      code: '23503',
    });
    await expect(client.query('UPDATE artifact SET depth = 4 WHERE id = $1', [one])).rejects.toMatchObject({
      code: /^23/,
    });
  });
});

describe('a compaction', () => {
  it.each<[string, (at: { base: string; head: string }) => Promise<unknown>]>([
    ['of another content', ({ head }) => version({ compacted_from_id: head, version_hash: OTHER_HASH })],
    ['in another project', ({ head }) => version({ compacted_from_id: head, project_id: OTHER_PROJECT })],
    ['that is a patch itself', ({ base, head }) => patch(base, base, 1, { compacted_from_id: head })],
    ['of what is not there', () => version({ compacted_from_id: v7() })],
    [
      'made twice',
      async ({ head }) => {
        await version({ compacted_from_id: head });
        await version({ compacted_from_id: head });
      },
    ],
  ])('cannot be one %s', async (_, attempt) => {
    const base = await version();
    const head = await patch(base, base, 1);
    await expect(attempt({ base, head })).rejects.toMatchObject({ code: /^23/ });
  });

  it('can be made again after it was collected', async () => {
    const base = await version();
    const head = await patch(base, base, 1);
    const first = await version({ compacted_from_id: head });
    await client.query('UPDATE artifact SET live = false WHERE id = $1', [first]);
    await version({ compacted_from_id: head });
  });
});

it('a revert takes back a patch of its project, and nothing else does', async () => {
  const base = await version();
  const one = await patch(base, base, 1);
  await patch(base, one, 2, { reverts_id: one });
  await expect(patch(base, one, 2, { reverts_id: base })).rejects.toMatchObject({ code: '23503' });
  await expect(version({ reverts_id: base })).rejects.toMatchObject({ code: '23514' });
});

describe('the migration to links', () => {
  const server = process.env.ORCHESTRATOR_TEST_DATABASE_URL!;
  const apply = async (on: pg.Client, file: string) => {
    const text = await readFile(new URL(`../../migrations/${file}.sql`, import.meta.url), 'utf8');
    for (const statement of text.split('--> statement-breakpoint')) await on.query(statement);
  };
  /** A database from before it, with chains as they were stored then: a row for each member of each patch. */
  const before = async (spoil?: string) => {
    const name = `test_${randomUUID().replaceAll('-', '')}`;
    await onServer(server, `CREATE DATABASE ${name}`);
    const old = await connect(databaseUrl(server, name));
    for (const file of ['0000_store', '0001_runs', '0002_store_complete', '0003_blob_slices'])
      await apply(old, file);
    await seed(old);
    const base = await insert(old, { kind: 'dag_version' });
    const patches: string[] = [];
    for (const depth of [1, 2, 3]) {
      await old.query('BEGIN');
      const id = await insert(old, { base_version: base, parents: [patches.at(-1) ?? base], depth });
      patches.push(id);
      await old.query(
        'INSERT INTO patch_chain_member (head_id, seq, member_id) SELECT $1, n, m FROM unnest($2::uuid[]) WITH ORDINALITY AS c (m, n)',
        [id, patches],
      );
      await old.query('COMMIT');
    }
    if (spoil !== undefined) await old.query(spoil, [patches[2], base]);
    const listing = async () =>
      (await old.query('SELECT head_id, seq, member_id FROM patch_chain_member ORDER BY 1, 2'))
        .rows as unknown[];
    const drop = async () => {
      await old.end();
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    };
    return { old, listing, drop };
  };

  it('says of every chain what the lists said', async () => {
    const { old, listing, drop } = await before();
    const listed = await listing();
    await apply(old, '0004_chain_links');
    expect(listed).toHaveLength(6);
    expect(await listing()).toEqual(listed);
    await drop();
  });

  it('refuses to go on when a patch has another parent than its list says', async () => {
    const { old, drop } = await before('UPDATE artifact SET parents = ARRAY[$2::uuid] WHERE id = $1');
    await expect(apply(old, '0004_chain_links')).rejects.toThrow('another parent than its chain says');
    await drop();
  });
});
