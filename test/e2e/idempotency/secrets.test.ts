import { createHash } from 'node:crypto';
import { allRows, foundIn, needlesOf } from '../secrets/traces-of.ts';
import { callAs } from '../identity/people.ts';
import { type WholeApi, wholeApi } from './whole-api.ts';

let whole: WholeApi;
beforeAll(async () => {
  whole = await wholeApi();
});
afterAll(() => whole?.close());

const withKey = (method: string, path: string, body: unknown, key: string) =>
  callAs(whole, undefined)(method, path, body, { 'idempotency-key': key });
const found = async (needles: readonly string[]) => {
  const dump = await allRows(whole.database.pool);
  return [...dump].filter(([, text]) => foundIn(text, needles).length > 0).map(([table]) => table);
};

test('the secret of a webhook is answered twice and can be read in no table', async () => {
  const body = { url: 'https://example.org/hook' };
  const first = await withKey('POST', '/webhooks', body, 'hook');
  expect(first.status).toBe(201);
  const { secret } = first.json<{ secret: string }>();
  expect(secret).toMatch(/^whsec_/);
  const again = await withKey('POST', '/webhooks', body, 'hook');
  expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
  const needles = needlesOf(secret);
  expect(await found(needles)).toEqual([]);
  // The search finds what it is to find.
  await whole.database.pool.query(`UPDATE idempotency_key SET body = $1 WHERE key = 'hook'`, [
    Buffer.from(first.text),
  ]);
  expect(await found(needles)).toEqual(['public.idempotency_key']);
});

test('the password of a new user is in no table, nor a digest that it could be guessed by', async () => {
  const body = { email: 'canary@example.org', password: 'canary-of-a-password' };
  const first = await withKey('POST', '/users', body, 'user');
  expect(first.status).toBe(201);
  const again = await withKey('POST', '/users', body, 'user');
  expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
  const other = await withKey('POST', '/users', { ...body, password: 'another-password-1' }, 'user');
  expect(other.json().code).toBe('idempotency_mismatch');
  const { rows } = await whole.database.pool.query<{ project_id: string; request_hash: string }>(
    `SELECT project_id, request_hash FROM idempotency_key WHERE key = 'user'`,
  );
  const { project_id, request_hash } = rows[0]!;
  const guess = createHash('sha256')
    .update(`POST\n/users\n\n${project_id}\n\n`)
    .update(JSON.stringify(body))
    .digest('hex');
  expect(request_hash).toMatch(/^[0-9a-f]{64}$/);
  expect(await found([...needlesOf(body.password), guess])).toEqual([]);
});
