import { OTHER_PROJECT_ID, PROJECT_ID, type TestAnswer } from '../../../src/api/app-fixture.ts';
import { tokenOf, type WholeApi, wholeApi } from '../idempotency/whole-api.ts';

interface Fields {
  [name: string]: unknown;
  items: Fields[];
  next_cursor: string | null;
  versions: Fields[];
  errors: { path: string }[];
}

interface More {
  as?: string;
  if_match?: number;
  headers?: Record<string, string>;
}

const VALUE = 'a value that nobody is to see';
const people = {
  operator: { role: 'operator' },
  maintainer: { role: 'maintainer' },
  stranger: { role: 'owner', projects: [OTHER_PROJECT_ID] },
} as const;

let opened: WholeApi;
let keyless: WholeApi;
let made = 0;

beforeAll(async () => {
  opened = await wholeApi({ people });
  keyless = await wholeApi({ settings: { ORCHESTRATOR_SECRETS_KEY: '' } });
  const other = "INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')";
  await opened.database.pool.query(other, [OTHER_PROJECT_ID]);
});
afterAll(async () => {
  await opened?.close();
  await keyless?.close();
});

const ALL = `/projects/${PROJECT_ID}/secrets`;
const at = (name: string, project_id: string = PROJECT_ID) => `/projects/${project_id}/secrets/${name}`;
const newName = () => `S${++made}`;
const fields = (answer: TestAnswer) => answer.json<Fields>();
const problem = (answer: TestAnswer) => `${answer.status} ${answer.json().code}`;

async function call(method: string, path: string, body?: unknown, { as, if_match, headers = {} }: More = {}) {
  const answer = await opened.api.call(method, `/api/v1${path}`, {
    body,
    headers: {
      ...headers,
      ...(as !== undefined && { authorization: `Bearer ${tokenOf(as)}` }),
      ...(if_match !== undefined && { 'if-match': `"${if_match}"` }),
    },
  });
  expect(answer.text).not.toContain('nobody is to see');
  return answer;
}

const put = (name: string, value: unknown = VALUE, more?: More) => call('PUT', at(name), { value }, more);

describe('a secret', () => {
  it('is kept, given new values, shown without them, and deleted', async () => {
    const name = newName();
    const created = await put(name);
    expect([created.status, created.headers.get('etag')]).toEqual([201, '"1"']);
    expect(fields(created)).toEqual({
      ...{ name, version: 1, created_by: 'token:test' },
      created_at: expect.any(String) as string,
    });
    const changed = await put(name, `${VALUE} either`, { as: 'maintainer' });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    const shown = fields(await call('GET', at(name)));
    expect(shown).toMatchObject({ name, version: 2, created_by: 'token:maintainer' });
    expect(
      shown.versions.map(({ version, created_by, deleted_at }) => [version, created_by, deleted_at]),
    ).toEqual([
      [2, 'token:maintainer', null],
      [1, 'token:test', null],
    ]);
    expect((await call('DELETE', at(name))).status).toBe(204);
    expect(problem(await call('GET', at(name)))).toBe('404 not_found');
    expect(problem(await call('DELETE', at(name)))).toBe('404 not_found');
  });

  it('counts its versions on after it was deleted, and has no value of before left anywhere', async () => {
    const name = newName();
    await put(name);
    await put(name, 'two');
    await call('DELETE', at(name));
    const { rows } = await opened.database.pool.query(
      'SELECT version, sealed, deleted_by FROM project_secret WHERE name = $1 ORDER BY version',
      [name],
    );
    expect(rows).toEqual([1, 2].map((version) => ({ version, sealed: null, deleted_by: 'token:test' })));
    const again = await put(name);
    expect([again.status, fields(again).version]).toEqual([201, 3]);
    const { versions } = fields(await call('GET', at(name)));
    expect(versions.map(({ deleted_at }) => deleted_at === null)).toEqual([true, false, false]);
  });

  it('stays at its version when it is given the value it has', async () => {
    const name = newName();
    await put(name);
    const again = await put(name);
    expect([again.status, fields(again).version]).toEqual([200, 1]);
  });

  it('changes only from the version that is named', async () => {
    const name = newName();
    expect(problem(await put(name, VALUE, { if_match: 1 }))).toBe('412 stale_if_match');
    await put(name);
    expect(fields(await put(name, 'two', { if_match: 1 })).version).toBe(2);
    expect(fields(await put(name, 'three', { if_match: 1 }))).toMatchObject({ current_version: 2 });
    expect(problem(await call('DELETE', at(name), undefined, { if_match: 1 }))).toBe('412 stale_if_match');
  });

  it('has one new version for each of many writes at once', async () => {
    const name = newName();
    const versions = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => fields(await put(name, `value ${i}`)).version),
    );
    expect(versions.sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
  });

  it('is found in none of the tables, not even by the key of a request', async () => {
    const name = newName();
    await put(name, VALUE, { headers: { 'idempotency-key': name } });
    const { rows } = await opened.database.pool.query<{ sealed: string }>(
      'SELECT sealed FROM project_secret WHERE name = $1',
      [name],
    );
    expect(rows[0]!.sealed).toMatch(/^v1\.[0-9a-f]{16}\./);
    const keys = await opened.database.pool.query('SELECT FROM idempotency_key WHERE key = $1', [name]);
    expect(keys.rowCount).toBe(0);
  });
});

describe('what a secret may be', () => {
  it.each<[string, unknown]>([
    ['empty', ''],
    ['no text', 7],
    ['larger than 64 KiB', 'ä'.repeat(32_769)],
    ['with a NUL', 'a\0b'],
    ['broken', '\ud800'],
  ])('is refused: %s', async (_what, value) => {
    const answer = await put(newName(), value);
    expect([problem(answer), fields(answer).errors[0]!.path]).toEqual(['422 validation_failed', '/value']);
  });

  it.each(['1A', 'a b', 'a%2Fb', 'ä', 'x'.repeat(129)])('is refused: the name %s', async (name) => {
    expect(problem(await put(encodeURIComponent(decodeURIComponent(name))))).toBe('422 validation_failed');
  });

  it('is anything of 64 KiB, under any good name', async () => {
    expect((await put(`a.b-C_${newName()}`, 'ä\r\n'.repeat(16_384))).status).toBe(201);
  });

  it('is not repeated by a request that cannot be read', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await opened.api.call('PUT', `/api/v1${at(newName())}`, {
      body: `{"value": "${VALUE}" x`,
      headers,
    });
    expect([answer.status, answer.text.includes('nobody is to see')]).toEqual([400, false]);
  });
});

describe('who may see that there is a secret', () => {
  it('is a maintainer, in the project it is of', async () => {
    const name = newName();
    await put(name);
    for (const [method, path, body] of [
      ['GET', ALL, undefined],
      ['GET', at(name), undefined],
      ['PUT', at(name), { value: VALUE }],
      ['DELETE', at(name), undefined],
    ] as const) {
      expect(problem(await call(method, path, body, { as: 'operator' }))).toBe('403 forbidden');
      expect(problem(await call(method, path, body, { as: 'stranger' }))).toBe('404 not_found');
    }
    expect((await call('GET', at(name), undefined, { as: 'maintainer' })).status).toBe(200);
    const theirs = await call('GET', at(name, OTHER_PROJECT_ID), undefined, { as: 'stranger' });
    expect(problem(theirs)).toBe('404 not_found');
  });
});

it('all of them are listed once, by name, page by page', async () => {
  const names = ['Z', 'a', 'B.1'].map((part) => `list-${part}`.replace('-', '_'));
  for (const name of names) {
    await put(name);
    await put(name, 'two');
  }
  await put('list_gone');
  await call('DELETE', at('list_gone'));
  const seen: Fields[] = [];
  let cursor = '';
  do {
    const listed = fields(await call('GET', `${ALL}?limit=2${cursor}`));
    seen.push(...listed.items);
    cursor = listed.next_cursor === null ? '' : `&cursor=${encodeURIComponent(listed.next_cursor)}`;
  } while (cursor !== '');
  const ours = seen.filter(({ name }) => String(name).startsWith('list_'));
  expect(ours.map(({ name, version }) => [name, version])).toEqual([
    ['list_B.1', 2],
    ['list_Z', 2],
    ['list_a', 2],
  ]);
  expect(new Set(seen.map(({ name }) => name)).size).toBe(seen.length);
});

it('a row that was put in the place of another one cannot be read', async () => {
  const [name, other] = [newName(), newName()];
  await put(name);
  await put(other, 'the other value');
  await opened.database.pool.query(
    `UPDATE project_secret SET sealed = (SELECT sealed FROM project_secret WHERE name = $2) WHERE name = $1`,
    [name, other],
  );
  const body = {
    deployer: 'webhook',
    settings: { url: 'https://a.example', secret: `\${{ secrets.${name} }}` },
  };
  const answer = await call('PUT', `/projects/${PROJECT_ID}/environments/swapped`, body);
  expect(problem(answer)).toBe('503 secrets_unavailable');
});

describe('without a key', () => {
  it('nothing can be kept, and it says why', async () => {
    const path = `/api/v1${at('A')}`;
    const answer = await keyless.api.call('PUT', path, { body: { value: VALUE } });
    expect([problem(answer), answer.json().detail]).toEqual([
      '501 not_implemented',
      'No secrets are kept here, because no key is set (secrets.key).',
    ]);
    expect((await keyless.api.call('GET', `/api/v1${ALL}`)).status).toBe(200);
  });
});
