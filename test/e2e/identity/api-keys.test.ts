import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import { newId } from '../../../src/ids.ts';
import { eventually } from '../../support/eventually.ts';
import { tokenOf, type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { callAs, type Somebody, somebody } from './people.ts';

interface Key {
  id: string;
  key: string;
  name: string;
  role: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

let whole: WholeApi;
let other_project: string;
beforeAll(async () => {
  whole = await wholeApi({ people: { config: { role: 'owner' } } });
  const created = await callAs(whole)('POST', '/projects', { name: 'other' });
  other_project = created.json<{ id: string }>().id;
});
afterAll(() => whole?.close());

const operator = () => somebody(whole, { project_id: DEFAULT_PROJECT_ID, role: 'operator' });

async function newKey(of: Somebody, body: object): Promise<Key> {
  const answer = await of.call('POST', '/auth/api-keys', { name: 'ci', ...body });
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return answer.json<Key>();
}

const definition = {
  schema_version: 1,
  name: 'a',
  nodes: { a: { type: 'transform', config: { value: 1 } } },
};
const save = (key: string, tag_name: string) =>
  callAs(whole, key)('POST', '/workflows', { tag_name, workflow: { ...definition, name: tag_name } });

describe('an API key', () => {
  it('acts for its user, up to its role', async () => {
    const ada = await operator();
    const [reader, editor] = [await newKey(ada, { role: 'viewer' }), await newKey(ada, { role: 'owner' })];
    expect(reader.key).toMatch(/^ok_[\w-]{43}$/);
    expect((await callAs(whole, reader.key)('GET', '/workflows')).status).toBe(200);
    expect((await save(reader.key, 'no')).status).toBe(403);
    const saved = await save(editor.key, 'yes');
    expect([saved.status, saved.json<{ created_by: string }>().created_by]).toEqual([
      201,
      `user:${ada.user_id}`,
    ]);
    // An owner's key makes nobody more than they are.
    expect((await callAs(whole, editor.key)('POST', '/tag-rules', { pattern: 'x' })).status).toBe(403);
  });

  it('sees the projects that it names, of those of its user', async () => {
    const ada = await operator();
    await callAs(whole)('POST', `/projects/${other_project}/members`, { email: ada.email, role: 'viewer' });
    const { key } = await newKey(ada, { projects: [other_project] });
    const seen = async (project_id: string) =>
      (await callAs(whole, key)('GET', `/workflows?project_id=${project_id}`)).status;
    expect([await seen(other_project), await seen(DEFAULT_PROJECT_ID)]).toEqual([200, 404]);
    const listed = await callAs(whole, key)('GET', '/projects');
    expect(listed.json<{ items: { id: string }[] }>().items.map(({ id }) => id)).toEqual([other_project]);
    await callAs(whole)('DELETE', `/projects/${other_project}/members/${ada.user_id}`);
    expect(await seen(other_project)).toBe(404);
  });

  it('is told once, and kept as a digest', async () => {
    const ada = await operator();
    const { key, id } = await newKey(ada, {});
    const listed = await ada.call('GET', '/auth/api-keys');
    expect(listed.json<{ items: Key[] }>().items).toMatchObject([{ id, name: 'ci', role: 'editor' }]);
    expect(listed.text).not.toContain(key);
    const { rows } = await whole.database.pool.query<{ text: string }>(
      'SELECT row_to_json(k)::text AS text FROM api_key k WHERE id = $1',
      [id],
    );
    expect(rows[0]!.text).not.toContain(key.slice(3));
  });

  it('says when it was last used', async () => {
    const ada = await operator();
    const { key } = await newKey(ada, {});
    const listed = async () =>
      (await ada.call('GET', '/auth/api-keys')).json<{ items: Key[] }>().items[0]!.last_used_at;
    expect(await listed()).toBeNull();
    expect((await callAs(whole, key)('GET', '/workflows')).status).toBe(200);
    await eventually(async () => (await listed()) !== null);
  });

  it('is over when it was revoked, when its time came, and when its user may not come in', async () => {
    const ada = await operator();
    const [first, second, third] = [await newKey(ada, {}), await newKey(ada, {}), await newKey(ada, {})];
    const statuses = () =>
      Promise.all(
        [first, second, third].map(async ({ key }) => (await callAs(whole, key)('GET', '/auth/me')).status),
      );
    expect(await statuses()).toEqual([200, 200, 200]);
    expect((await ada.call('DELETE', `/auth/api-keys/${first.id}`)).status).toBe(204);
    expect((await ada.call('DELETE', `/auth/api-keys/${first.id}`)).status).toBe(404);
    expect(await statuses()).toEqual([401, 200, 200]);
    await whole.database.pool.query('UPDATE api_key SET expires_at = now() WHERE id = $1', [second.id]);
    whole.services.authenticator.onChange();
    expect(await statuses()).toEqual([401, 401, 200]);
    await callAs(whole)('PATCH', `/users/${ada.user_id}`, { status: 'disabled' });
    expect(await statuses()).toEqual([401, 401, 401]);
  });

  it('has no say over API keys, passwords or sessions', async () => {
    const ada = await operator();
    const { key, id } = await newKey(ada, { role: 'owner' });
    const call = callAs(whole, key);
    const statuses = [
      await call('GET', '/auth/api-keys'),
      await call('POST', '/auth/api-keys', { name: 'child' }),
      await call('DELETE', `/auth/api-keys/${id}`),
    ].map(({ status }) => status);
    expect(statuses).toEqual([403, 403, 403]);
    expect((await call('POST', '/auth/logout')).status).toBe(403);
    expect((await call('POST', '/auth/logout', { everywhere: true })).status).toBe(403);
    const change = { current_password: 'x', new_password: 'another good password' };
    expect((await call('PUT', '/auth/password', change)).status).toBe(403);
  });

  it('cannot be given what its user has not, and every problem is named', async () => {
    const ada = await operator();
    const answer = await ada.call('POST', '/auth/api-keys', {
      name: 'greedy',
      projects: [DEFAULT_PROJECT_ID, newId()],
      permissions: ['installation:administer'],
      expires_at: '2020-01-01T00:00:00Z',
    });
    expect([answer.status, answer.json().errors?.map(({ path }) => path)]).toEqual([
      422,
      ['/projects/1', '/permissions/0', '/expires_at'],
    ]);
  });

  it('of an administrator administers only if it says so', async () => {
    const admin = await somebody(whole, undefined, { permissions: ['installation:administer'] });
    const plain = await newKey(admin, { role: 'owner' });
    const mighty = await newKey(admin, { role: 'owner', permissions: ['installation:administer'] });
    const users = async (key: string) => (await callAs(whole, key)('GET', '/users')).status;
    expect([await users(plain.key), await users(mighty.key)]).toEqual([403, 200]);
  });

  it.each(['ok_', `ok_${'A'.repeat(43)}`, `ok_${'A'.repeat(44)}`, 'ok_constructor'])(
    'that nobody has (%s) is nobody’s',
    async (token) => {
      expect((await callAs(whole, token)('GET', '/auth/me')).status).toBe(401);
    },
  );

  it('is of a user; a token of the configuration has none', async () => {
    const call = callAs(whole, tokenOf('config'));
    expect((await call('POST', '/auth/api-keys', { name: 'x' })).status).toBe(403);
  });
});
