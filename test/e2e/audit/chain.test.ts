import { type AuditNote, INSTALLATION_SCOPE } from '../../../src/contract/audit.ts';
import { newId } from '../../../src/ids.ts';
import { type Database, openDatabase } from '../../../src/persistence/db.ts';
import { auditOn, verifyExport } from '../../support/audit.ts';
import { testDatabase, type TestDatabase } from '../../support/database.ts';

let test_database: TestDatabase;
let database: Database;
const statements: string[] = [];

beforeAll(async () => {
  test_database = await testDatabase();
  const onStatement = (sql: string) => void statements.push(sql);
  database = openDatabase({ url: test_database.url, max_connections: 5, onStatement });
});
afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

const note = (scope: string, target = '/things'): AuditNote => ({
  scope,
  principal: 'token:somebody',
  credential: null,
  action: 'POST /things',
  target,
  status: 201,
  request_id: 'r',
  address: '::1',
  user_agent: 'é "quoted" \\ {a,b} NULL',
  body_digest: null,
  replayed: false,
});
const query = (text: string, values: unknown[] = []) => database.pool.query(text, values);
const audit = () => auditOn(database.db);
const { signal } = new AbortController();
const verify = (scope: string, more: { from_seq?: number; expected_hash?: string } = {}) =>
  audit().audit.verify({ scope, from_seq: 1, signal, ...more });

/** A chain of so many entries in a scope of its own. */
async function chainOf(count: number): Promise<string> {
  const scope = newId();
  const { audit_log, audit_sealer } = audit();
  await Promise.all(Array.from({ length: count }, (_, i) => audit_log.append(note(scope, `/things/${i}`))));
  await audit_sealer.sweep();
  return scope;
}

/** What whoever owns the database can do all the same. */
async function tamper(text: string, values: unknown[]): Promise<void> {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SET LOCAL session_replication_role = replica');
    await client.query(text, values);
    await client.query('COMMIT');
  } finally {
    client.release(true);
  }
}

describe('the table', () => {
  const SEAL = "seq = 1, previous_hash = repeat('0', 64), hash = repeat('1', 64)";
  let scope: string;
  let open: string;
  beforeAll(async () => {
    scope = await chainOf(3);
    open = newId();
    await audit().audit_log.append(note(open));
  });

  const columns = [
    ['id', 'gen_random_uuid()'],
    ['scope', 'gen_random_uuid()'],
    ['at', "at + interval '1 second'"],
    ['principal', "'x'"],
    ['credential', "'x'"],
    ['action', "'x'"],
    ['target', "'x'"],
    ['status', '500'],
    ['request_id', "'x'"],
    ['address', "'x'"],
    ['user_agent', "'x'"],
    ['body_digest', "'sha256:' || repeat('0', 64)"],
    ['replayed', 'NOT replayed'],
  ];
  test('has no column that this test forgets', async () => {
    const sql = "SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'audit_entry'";
    const { rows } = (await query(sql)) as { rows: { name: string }[] };
    const sealing = ['seq', 'previous_hash', 'hash'];
    expect(rows.map(({ name }) => name).sort()).toEqual(
      [...columns.map(([name]) => name!), ...sealing].sort(),
    );
  });

  test.each(columns)('takes no change of %s, not even with a seal', async (name, value) => {
    for (const [where, more] of [
      [scope, ''],
      [open, ''],
      [open, `, ${SEAL}`],
    ])
      await expect(
        query(`UPDATE audit_entry SET ${name} = ${value}${more} WHERE scope = $1`, [where]),
      ).rejects.toThrow('append-only');
  });

  test.each([
    ['an entry to go', 'DELETE FROM audit_entry WHERE scope = $1'],
    ['a seal to be changed', "UPDATE audit_entry SET hash = repeat('a', 64) WHERE scope = $1"],
    ['an entry to move', 'UPDATE audit_entry SET seq = seq + 10 WHERE scope = $1'],
    ['a seal to go', 'UPDATE audit_entry SET seq = NULL, previous_hash = NULL, hash = NULL WHERE scope = $1'],
  ])('does not let %s', async (_name, sql) => {
    await expect(query(sql, [scope])).rejects.toThrow('append-only');
  });

  test('is not emptied', async () => {
    await expect(query('TRUNCATE audit_entry')).rejects.toThrow('append-only');
  });

  test('takes a seal once, whole, and for one entry only', async () => {
    await expect(query('UPDATE audit_entry SET seq = 1 WHERE scope = $1', [open])).rejects.toThrow('check');
    await expect(
      query(`UPDATE audit_entry SET ${SEAL.replace('= 1,', '= 0,')} WHERE scope = $1`, [open]),
    ).rejects.toThrow('check');
    await audit().audit_log.append(note(open));
    await expect(query(`UPDATE audit_entry SET ${SEAL} WHERE scope = $1`, [open])).rejects.toThrow(
      'audit_entry_chain',
    );
  });

  test('is unchanged by all that', async () => {
    await audit().audit_sealer.sweep();
    expect(await verify(scope)).toMatchObject({ entries: 3, intact: true, unsealed: 0 });
    expect(await verify(open)).toMatchObject({ entries: 2, intact: true, unsealed: 0 });
  });
});

describe('who owns the database', () => {
  test.each([
    [
      'changes a field',
      "UPDATE audit_entry SET principal = 'x' WHERE scope = $1 AND seq = 3",
      3,
      'entry_altered',
    ],
    [
      'changes a time',
      "UPDATE audit_entry SET at = at - interval '1 ms' WHERE scope = $1 AND seq = 3",
      3,
      'entry_altered',
    ],
    ['takes one out', 'DELETE FROM audit_entry WHERE scope = $1 AND seq = 3', 3, 'entry_missing'],
    ['takes the first out', 'DELETE FROM audit_entry WHERE scope = $1 AND seq = 1', 1, 'entry_missing'],
    [
      'takes one out and closes the gap',
      `WITH gone AS (DELETE FROM audit_entry WHERE scope = $1 AND seq = 3)
       UPDATE audit_entry SET seq = -seq WHERE scope = $1 AND seq > 3`,
      3,
      'link_broken',
    ],
    [
      'swaps two',
      `UPDATE audit_entry e SET id = gen_random_uuid(), target = o.target, at = o.at FROM audit_entry o
       WHERE e.scope = $1 AND o.scope = $1 AND e.seq + o.seq = 5 AND e.seq IN (2, 3)`,
      2,
      'entry_altered',
    ],
    [
      'unseals one',
      'UPDATE audit_entry SET seq = NULL, previous_hash = NULL, hash = NULL WHERE scope = $1 AND seq = 3',
      3,
      'entry_missing',
    ],
  ])('%s: found, and where', async (_name, sql, seq, reason) => {
    const scope = await chainOf(6);
    if (sql.includes('-seq')) {
      await query('ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_seq_check');
      await tamper(sql, [scope]);
      await tamper('UPDATE audit_entry SET seq = -seq - 1 WHERE scope = $1 AND seq < 0', [scope]);
      await query('ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_seq_check CHECK (seq >= 1)');
    } else await tamper(sql, [scope]);
    expect(await verify(scope)).toMatchObject({
      entries: seq - 1,
      head: { seq: seq - 1 },
      intact: false,
      first_broken: { seq, reason },
    });
  });

  test('cuts the tail off: found by a head that was kept, also when other entries have taken its place', async () => {
    const scope = await chainOf(6);
    const { head } = await verify(scope);
    await tamper('DELETE FROM audit_entry WHERE scope = $1 AND seq > 4', [scope]);
    expect(await verify(scope)).toMatchObject({ intact: true, entries: 4 });
    const missing = { intact: false, first_broken: { reason: 'expected_hash_missing' } };
    expect(await verify(scope, { expected_hash: head.hash })).toMatchObject(missing);
    const { audit_log, audit_sealer } = audit();
    for (let i = 0; i < 3; i++) await audit_log.append(note(scope));
    await audit_sealer.sweep();
    expect(await verify(scope)).toMatchObject({ intact: true, entries: 7 });
    expect(await verify(scope, { expected_hash: head.hash })).toMatchObject(missing);
    expect(await verify(scope, { from_seq: 7, expected_hash: head.hash })).toMatchObject(missing);
  });
});

test('notes at once go in a few statements, and values come back as they were', async () => {
  const scope = newId();
  const { audit_log, audit: reader } = audit();
  statements.length = 0;
  const targets = Array.from({ length: 450 }, (_, i) => `/things/${i}`);
  await Promise.all(targets.map((target) => audit_log.append(note(scope, target))));
  expect(statements.filter((sql) => sql.includes('INSERT INTO audit_entry'))).toHaveLength(2);
  const { items } = await reader.list(scope, {}, { limit: 500 });
  expect(items.map(({ target }) => target).sort()).toEqual([...targets].sort());
  for (const item of items) expect(item).toMatchObject(note(scope, item.target));
});

test('a chain longer than any batch is sealed, verified and exported whole', async () => {
  const scope = await chainOf(2_345);
  expect(await verify(scope)).toMatchObject({ entries: 2_345, intact: true, unsealed: 0 });
  const pieces: Buffer[] = [];
  for await (const piece of audit().audit.export({ scope, from_seq: 1 })) pieces.push(piece);
  expect(pieces.length).toBeGreaterThan(4);
  expect(verifyExport(Buffer.concat(pieces).toString()).entries).toHaveLength(2_345);
});

test('sealers that race never fork a chain, and leave nothing behind', async () => {
  const others = Array.from({ length: 4 }, () =>
    openDatabase({ url: test_database.url, max_connections: 3 }),
  );
  const scopes = [INSTALLATION_SCOPE, newId(), newId()];
  let is_over = false;
  const sealing = others.map(async ({ db }) => {
    const { audit_sealer } = auditOn(db);
    let sealed = 0;
    while (!is_over) sealed += await audit_sealer.sweep();
    return sealed;
  });
  for (let round = 0; round < 30; round++)
    await Promise.all(
      others.flatMap(({ db }) => {
        const { audit_log } = auditOn(db);
        return scopes.flatMap((scope) => [audit_log.append(note(scope)), audit_log.append(note(scope))]);
      }),
    );
  is_over = true;
  const counts = await Promise.all(sealing);
  await audit().audit_sealer.sweep();
  // Otherwise nobody raced.
  expect(counts.filter((count) => count > 0).length).toBeGreaterThan(1);
  for (const scope of scopes)
    expect(await verify(scope)).toMatchObject({
      entries: 240,
      head: { seq: 240 },
      intact: true,
      unsealed: 0,
    });
  await Promise.all(others.map((other) => other.close()));
});

test('a sealer that dies half-way leaves the chain to the next one', async () => {
  const scope = newId();
  for (let i = 0; i < 3; i++) await audit().audit_log.append(note(scope));
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`audit ${scope}`]);
  await audit().audit_sealer.sweep();
  expect(await verify(scope)).toMatchObject({ entries: 0, unsealed: 3 });
  client.release(true);
  await audit().audit_sealer.sweep();
  expect(await verify(scope)).toMatchObject({ entries: 3, intact: true, unsealed: 0 });
});

test('verifying ends when the process is asked to', async () => {
  const scope = await chainOf(2);
  const gone = AbortSignal.abort();
  await expect(audit().audit.verify({ scope, from_seq: 1, signal: gone })).rejects.toMatchObject({
    code: 'shutting_down',
  });
});
