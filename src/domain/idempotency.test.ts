import { testDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openDatabase, type Database } from '../persistence/db.ts';
import { idempotencyRepository } from '../persistence/idempotency.ts';
import { idempotencyService, type Begun, type IdempotencyOptions } from './idempotency.ts';
import { DEFAULT_PROJECT_ID } from './projects.ts';
import { sealedBox } from './sealed-box.ts';

let test_db: TestDatabase;
let database: Database;
const statements: string[] = [];
let ids = 0;

beforeAll(async () => {
  test_db = await testDatabase();
  database = openDatabase({
    url: test_db.url,
    max_connections: 10,
    onStatement: (sql) => statements.push(sql),
  });
});
afterAll(async () => {
  await database.close();
  await test_db.drop();
});

const box = sealedBox(['a-secret-of-thirty-two-characters'], 'idempotency');
const service = (options: Partial<IdempotencyOptions> = {}) =>
  idempotencyService({
    keys: idempotencyRepository(database.db),
    newId: () => `id-${++ids}`,
    box,
    ...options,
  });
const request = (key: string, request_hash = 'hash') => ({
  project_id: DEFAULT_PROJECT_ID,
  principal: 'p',
  key,
  request_hash,
});
const answer = { status: 201, headers: { ETag: '"1"' }, body: Buffer.from('{"a":1}') };
const age = (key: string, seconds: number) =>
  database.pool.query(
    'UPDATE idempotency_key SET created_at = now() - make_interval(secs => $2) WHERE key = $1',
    [key, seconds],
  );
const expire = (key: string) =>
  database.pool.query(
    "UPDATE idempotency_key SET locked_until = now() - interval '1 second' WHERE key = $1",
    [key],
  );

function heldOf(begun: Begun) {
  if (!('held' in begun)) throw new Error('the key was not free');
  return begun.held;
}

describe('a key', () => {
  it('gives the first answer again, byte for byte, in one statement each', async () => {
    const keys = service();
    statements.length = 0;
    const held = heldOf(await keys.begin(request('again')));
    expect(statements).toHaveLength(1);
    await held.complete(answer);
    expect(statements).toHaveLength(2);
    expect(await keys.begin(request('again'))).toEqual({ replay: answer });
    expect(statements).toHaveLength(3);
  });

  it('remembers an answer without a body', async () => {
    const keys = service();
    await heldOf(await keys.begin(request('empty'))).complete({ status: 204, headers: {}, body: null });
    expect(await keys.begin(request('empty'))).toEqual({ replay: { status: 204, headers: {}, body: null } });
  });

  it('is refused for another request, in flight and after', async () => {
    const keys = service();
    const held = heldOf(await keys.begin(request('other')));
    await expect(keys.begin(request('other', 'else'))).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    });
    await held.complete(answer);
    await expect(keys.begin(request('other', 'else'))).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    });
  });

  it('is busy while the first request is in flight, and free after a release', async () => {
    const keys = service();
    const held = heldOf(await keys.begin(request('busy')));
    await expect(keys.begin(request('busy'))).rejects.toMatchObject({ code: 'idempotency_in_flight' });
    await held.release();
    expect(await keys.begin(request('busy', 'else'))).toHaveProperty('held');
  });

  it('belongs to one caller and one project', async () => {
    const keys = service();
    await heldOf(await keys.begin(request('mine'))).complete(answer);
    expect(await keys.begin({ ...request('mine'), principal: 'q' })).toHaveProperty('held');
  });

  it('of a crashed holder is free again after its lock ran out, for the same request only', async () => {
    const keys = service();
    heldOf(await keys.begin(request('crash')));
    await expire('crash');
    await expect(keys.begin(request('crash', 'else'))).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    });
    expect(await keys.begin(request('crash'))).toHaveProperty('held');
  });

  it('cannot be completed or released by a holder that lost it', async () => {
    const keys = service();
    const slow = heldOf(await keys.begin(request('lost')));
    await expire('lost');
    const fast = heldOf(await keys.begin(request('lost')));
    await slow.complete({ ...answer, status: 500 });
    await slow.release();
    await fast.complete(answer);
    expect(await keys.begin(request('lost'))).toEqual({ replay: answer });
  });

  it('stays locked as long as a slow holder lives', async () => {
    const keys = service({ lock_seconds: 2 });
    const held = heldOf(await keys.begin(request('slow')));
    for (const end_ms = Date.now() + 4_500; Date.now() < end_ms; await pause(50)) {
      await expect(keys.begin(request('slow'))).rejects.toMatchObject({ code: 'idempotency_in_flight' });
    }
    await held.release();
  });

  it('is kept 24 hours, then it is new', async () => {
    const keys = service();
    await heldOf(await keys.begin(request('day'))).complete(answer);
    await age('day', 24 * 3600 - 60);
    expect(await keys.begin(request('day'))).toHaveProperty('replay');
    await age('day', 24 * 3600 + 60);
    expect(await keys.begin(request('day', 'else'))).toHaveProperty('held');
  });
});

describe('a key of a request with a secret', () => {
  const secret = (key: string, hash?: string) => ({ ...request(key, hash), is_secret: true });
  const rowOf = async (key: string) => {
    const { rows } = await database.pool.query<{ request_hash: string; body: Buffer }>(
      'SELECT request_hash, body FROM idempotency_key WHERE key = $1',
      [key],
    );
    return rows[0]!;
  };

  it('gives the first answer again, which nobody can read in its row', async () => {
    const keys = service();
    await heldOf(await keys.begin(secret('sealed'))).complete(answer);
    expect(await keys.begin(secret('sealed'))).toEqual({ replay: answer });
    const { body, request_hash } = await rowOf('sealed');
    expect(body.toString()).toMatch(/^v1\.[0-9a-f]{16}\.[A-Za-z0-9_-]+$/);
    expect(body.includes('"a"')).toBe(false);
    expect(request_hash).not.toBe('hash');
  });

  it('is refused for another request', async () => {
    const keys = service();
    await heldOf(await keys.begin(secret('mixed'))).complete(answer);
    await expect(keys.begin(secret('mixed', 'else'))).rejects.toMatchObject({ code: 'idempotency_mismatch' });
  });

  it('is remembered without a body, too', async () => {
    const keys = service();
    const empty = { status: 204, headers: {}, body: null };
    await heldOf(await keys.begin(secret('bare'))).complete(empty);
    expect(await keys.begin(secret('bare'))).toEqual({ replay: empty });
  });

  it('gives an answer from before answers were sealed', async () => {
    const keys = service();
    await heldOf(await keys.begin(secret('earlier'))).complete(answer);
    await database.pool.query('UPDATE idempotency_key SET body = $2 WHERE key = $1', [
      'earlier',
      answer.body,
    ]);
    expect(await keys.begin(secret('earlier'))).toEqual({ replay: answer });
  });

  it('whose answer was put in the place of another one, or was changed, is a conflict, and nothing is done again', async () => {
    const keys = service();
    for (const key of ['one', 'two']) await heldOf(await keys.begin(secret(key))).complete(answer);
    await database.pool.query('UPDATE idempotency_key SET body = $2 WHERE key = $1', [
      'one',
      (await rowOf('two')).body,
    ]);
    await expect(keys.begin(secret('one'))).rejects.toMatchObject({ code: 'state_conflict' });
  });
});

describe('fifty callers at once with one key', () => {
  it('are one holder and forty-nine that are told to wait', async () => {
    const keys = service();
    const begun = await Promise.allSettled(Array.from({ length: 50 }, () => keys.begin(request('fifty'))));
    expect(begun.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    for (const one of begun)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'idempotency_in_flight' });
  });
});

describe('the sweep', () => {
  it('removes what is past its time and not in flight, and nothing else', async () => {
    const keys = service();
    for (const key of ['old', 'new', 'open']) {
      const held = heldOf(await keys.begin(request(key)));
      if (key === 'open') continue;
      await held.complete(answer);
      await expire(key);
    }
    await age('old', 90_000);
    await age('open', 90_000);
    expect(await keys.sweep()).toBeGreaterThanOrEqual(1);
    const { rows } = await database.pool.query<{ key: string }>(
      "SELECT key FROM idempotency_key WHERE key IN ('old', 'new', 'open')",
    );
    expect(rows.map((row) => row.key).sort()).toEqual(['new', 'open']);
  });

  it('runs by itself, at most once per interval', async () => {
    let now = 0;
    const keys = service({ now_ms: () => now, sweep_every_ms: 1_000 });
    await heldOf(await keys.begin(request('swept'))).complete(answer);
    await expire('swept');
    await age('swept', 90_000);
    statements.length = 0;
    now = 1_001;
    await keys.begin(request('tick'));
    await keys.begin(request('tock'));
    for (const end_ms = Date.now() + 60_000; Date.now() < end_ms; await pause(10)) {
      const { rowCount } = await database.pool.query("SELECT 1 FROM idempotency_key WHERE key = 'swept'");
      if (rowCount === 0) break;
    }
    expect(statements.filter((sql) => sql.includes('DELETE'))).toHaveLength(1);
  });
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
