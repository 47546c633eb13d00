import { ADMIN_USER_ID } from '../../../src/contract/principal.ts';
import { type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { callAs, PASSWORD, type SignedIn, signIn, somebody } from './people.ts';

interface Me {
  principal: string;
  user: { id: string; email: string } | null;
  permissions: string[];
  projects: { id: string; role: string }[] | null;
}

let whole: WholeApi;
beforeAll(async () => {
  whole = await wholeApi();
});
afterAll(() => whole?.close());

const me = (token: string) => callAs(whole, token)('GET', '/auth/me');
const refresh = (refresh_token: string) => callAs(whole)('POST', '/auth/refresh', { refresh_token });
const users = (id: string) =>
  whole.database.pool.query<{ password_hash: string }>('SELECT * FROM app_user WHERE id = $1', [id]);

describe('signing in', () => {
  it('gives a token that says who one is, and that lasts 24 hours', async () => {
    const ada = await somebody(whole);
    const answer = await me(ada.token);
    expect(answer.json<Me>()).toMatchObject({
      principal: `user:${ada.user_id}`,
      user: { id: ada.user_id, email: ada.email },
      permissions: [],
      projects: [],
    });
    const hours = (Date.parse(ada.expires_at) - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(24);
  });

  it('is the same for a wrong password, an unknown email, and somebody who may not come in', async () => {
    const ada = await somebody(whole);
    const gone = await somebody(whole);
    await callAs(whole)('PATCH', `/users/${gone.user_id}`, { status: 'disabled' });
    const answers = await Promise.all(
      [
        { email: ada.email, password: 'not the password' },
        { email: 'nobody@example.org', password: PASSWORD },
        { email: gone.email, password: PASSWORD },
      ].map((body) => callAs(whole)('POST', '/auth/login', body)),
    );
    const seen = answers.map((answer) => {
      const { request_id: _id, ...rest } = answer.json<Record<string, unknown>>();
      return JSON.stringify([answer.status, rest]);
    });
    expect(answers[0]!.status).toBe(401);
    expect(new Set(seen).size).toBe(1);
  });

  it('knows an email however it is written, and a password however it was typed', async () => {
    const composed = 'caf\u00e9 au lait, s\u2019il vous pla\u00eet';
    const ada = await somebody(whole);
    await callAs(whole)('PATCH', `/users/${ada.user_id}`, { password: composed });
    await signIn(whole, ada.email.toUpperCase(), composed.normalize('NFD'));
  });

  it('holds back who guesses, by the mailbox that is guessed at', async () => {
    const ada = await somebody(whole);
    const bob = await somebody(whole);
    const guess = (email: string) =>
      callAs(whole)('POST', '/auth/login', { email, password: 'not the password' });
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => guess(ada.email)))).map(
      ({ status }) => status,
    );
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(8);
    expect((await guess(bob.email)).status).toBe(401);
  });

  it('keeps no password, no token and no refresh token as they are', async () => {
    const ada = await somebody(whole);
    const { rows } = await users(ada.user_id);
    expect(rows[0]!.password_hash).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
    const { rows: tables } = await whole.database.pool.query<{ text: string }>(
      `SELECT (SELECT json_agg(t)::text FROM refresh_token t) || (SELECT json_agg(s)::text FROM user_session s)
         || (SELECT json_agg(u)::text FROM app_user u) || (SELECT json_agg(k)::text FROM signing_key k) AS text`,
    );
    for (const secret of [PASSWORD, ada.token, ada.refresh_token]) {
      expect(tables[0]!.text).not.toContain(secret);
      expect(tables[0]!.text).not.toContain(Buffer.from(secret).toString('hex'));
    }
    expect(tables[0]!.text).not.toMatch(/"d"\s*:/);
  });

  it('is the same principal for the administrator as the token of the installation', async () => {
    await whole.services.users.setUpAdministrator('admin@localhost', PASSWORD);
    expect(await whole.services.users.setUpAdministrator('other@localhost', 'another password')).toBe(false);
    const admin = await signIn(whole, 'admin@localhost');
    expect(admin.user_id).toBe(ADMIN_USER_ID);
    expect((await me(admin.token)).json<Me>()).toMatchObject({
      principal: 'token:admin',
      permissions: ['installation:administer', 'tag:break_glass'],
      projects: null,
    });
  });
});

describe('a session', () => {
  it('goes on with its refresh token, each of which is good once', async () => {
    const ada = await somebody(whole);
    const next = (await refresh(ada.refresh_token)).json<SignedIn>();
    expect(next.user_id).toBe(ada.user_id);
    expect(next.refresh_token).not.toBe(ada.refresh_token);
    expect((await me(next.token)).status).toBe(200);
    const third = await refresh(next.refresh_token);
    expect(third.status).toBe(200);
  });

  it('ends when a refresh token is shown twice, for whoever of the two', async () => {
    const ada = await somebody(whole);
    const next = (await refresh(ada.refresh_token)).json<SignedIn>();
    expect((await refresh(ada.refresh_token)).status).toBe(401);
    expect((await refresh(next.refresh_token)).status).toBe(401);
    expect([(await me(ada.token)).status, (await me(next.token)).status]).toEqual([401, 401]);
  });

  it('is refreshed by one of many who show the same token at once', async () => {
    const ada = await somebody(whole);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(ada.refresh_token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
    expect((await me(ada.token)).status).toBe(401);
  });

  it.each(['', 'or_unknown', 'x'.repeat(200)])('does not go on with %j', async (token) => {
    expect([401, 422]).toContain((await refresh(token)).status);
  });

  it('ends alone at a log-out, and with all the others when that is asked for', async () => {
    const ada = await somebody(whole);
    const [second, third] = [await signIn(whole, ada.email), await signIn(whole, ada.email)];
    expect((await ada.call('POST', '/auth/logout')).status).toBe(204);
    const left = async () =>
      Promise.all([ada, second, third].map(async ({ token }) => (await me(token)).status));
    expect(await left()).toEqual([401, 200, 200]);
    expect((await callAs(whole, second.token)('POST', '/auth/logout', { everywhere: true })).status).toBe(
      204,
    );
    expect(await left()).toEqual([401, 401, 401]);
    expect((await refresh(third.refresh_token)).status).toBe(401);
  });

  it('ends at a new password, except the one that set it', async () => {
    const ada = await somebody(whole);
    const other = await signIn(whole, ada.email);
    const change = { current_password: PASSWORD, new_password: 'another good password' };
    const wrong = await ada.call('PUT', '/auth/password', { ...change, current_password: 'wrong' });
    expect([wrong.status, wrong.json().errors]).toEqual([
      422,
      [{ path: '/current_password', message: 'is not the password' }],
    ]);
    expect((await ada.call('PUT', '/auth/password', change)).status).toBe(204);
    expect([(await me(ada.token)).status, (await me(other.token)).status]).toEqual([200, 401]);
    await signIn(whole, ada.email, change.new_password);
  });

  it('ends when its user is not to come in any more', async () => {
    const ada = await somebody(whole);
    await callAs(whole)('PATCH', `/users/${ada.user_id}`, { status: 'disabled' });
    expect((await me(ada.token)).status).toBe(401);
    await callAs(whole)('PATCH', `/users/${ada.user_id}`, { status: 'active' });
    expect((await me(ada.token)).status).toBe(401);
  });

  it('that is over is deleted', async () => {
    const ada = await somebody(whole);
    await whole.database.pool.query('UPDATE user_session SET expires_at = now() WHERE user_id = $1', [
      ada.user_id,
    ]);
    expect(await whole.services.sessions.sweep()).toBeGreaterThanOrEqual(1);
    const left = await whole.database.pool.query('SELECT FROM user_session WHERE user_id = $1', [
      ada.user_id,
    ]);
    expect(left.rowCount).toBe(0);
  });
});

describe('people', () => {
  it('are added, listed and changed by who administers the installation', async () => {
    const call = callAs(whole);
    const body = { email: 'Grace@Example.org', name: 'Grace', permissions: ['tag:break_glass'] };
    const created = await call('POST', '/users', body);
    const grace = created.json<Record<string, unknown>>();
    expect(grace).toMatchObject({ ...body, status: 'active', has_password: false });
    expect(created.text).not.toContain('password_hash');
    expect((await call('POST', '/users', { email: 'grace@example.org' })).status).toBe(409);
    const changed = await call('PATCH', `/users/${String(grace.id)}`, { name: 'Grace H.', permissions: [] });
    expect(changed.json()).toMatchObject({ name: 'Grace H.', permissions: [], email: 'Grace@Example.org' });
    const listed = await call('GET', '/users?limit=1');
    expect(listed.json<{ items: object[] }>().items).toEqual([changed.json()]);
    expect((await call('GET', `/users/${String(grace.id)}`)).json()).toEqual(changed.json());
  });

  it.each([
    [{ email: 'no address' }, '/email'],
    [{ email: 'a@example.org', password: 'short' }, '/password'],
    [{ email: 'a@example.org', permissions: ['everything'] }, '/permissions/0'],
  ])('%j is nobody', async (body, path) => {
    const answer = await callAs(whole)('POST', '/users', body);
    expect([answer.status, answer.json().errors?.map((one) => one.path)]).toEqual([422, [path]]);
  });

  it('cannot lock everybody out', async () => {
    for (const change of [{ status: 'disabled' }, { permissions: [] }])
      expect((await callAs(whole)('PATCH', `/users/${ADMIN_USER_ID}`, change)).status).toBe(409);
  });

  it('who do not administer see nobody', async () => {
    const ada = await somebody(whole);
    const answers = await Promise.all([
      ada.call('GET', '/users'),
      ada.call('GET', `/users/${ada.user_id}`),
      ada.call('POST', '/users', { email: 'x@example.org' }),
      ada.call('PATCH', `/users/${ada.user_id}`, { permissions: ['installation:administer'] }),
      ada.call('POST', '/auth/signing-keys'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
  });
});
