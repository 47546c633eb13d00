import { createHash } from 'node:crypto';
import { OTHER_PROJECT_ID, OWNER, PROJECT_ID, TOKEN } from '../../../src/api/app-fixture.ts';
import { INSTALLATION_SCOPE } from '../../../src/contract/audit.ts';
import { auditOn, type AuditBody, verifyExport } from '../../support/audit.ts';
import { definition, transform } from '../../support/definitions.ts';
import { tokenOf, type WholeApi, wholeApi } from '../idempotency/whole-api.ts';

interface Verification {
  entries: number;
  head: { seq: number; hash: string };
  intact: boolean;
  first_broken: { seq: number; reason: string } | null;
  unsealed: number;
}

const people = {
  viewer: { role: 'viewer' },
  editor: { role: 'editor' },
  maintainer: { role: 'maintainer' },
  administrator: { role: 'maintainer', permissions: ['installation:administer'] },
  stranger: { role: 'owner', projects: [OTHER_PROJECT_ID] },
} as const;
type Person = keyof typeof people;

let opened: WholeApi;
let seal: () => Promise<number>;

beforeAll(async () => {
  opened = await wholeApi({ people });
  const other = "INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')";
  await opened.database.pool.query(other, [OTHER_PROJECT_ID]);
  seal = () => auditOn(opened.database.db).audit_sealer.sweep();
});
afterAll(() => opened?.close());

const call = (
  method: string,
  path: string,
  body?: unknown,
  ...[as, more = {}]: [as?: Person, more?: Record<string, string>]
) =>
  opened.api.call(method, `/api/v1${path}`, {
    body,
    headers: { ...(as && { authorization: `Bearer ${tokenOf(as)}` }), ...more },
  });

async function entries(
  query: Record<string, string | number> = {},
  as: Person = 'maintainer',
): Promise<AuditBody[]> {
  const text = new URLSearchParams(
    Object.entries({ limit: 100, ...query }).map(([k, v]): [string, string] => [k, String(v)]),
  );
  const answer = await call('GET', `/audit?${text.toString()}`, undefined, as);
  expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
  return answer.json<{ items: AuditBody[] }>().items;
}
const verify = async (query = '', as: Person = 'maintainer') =>
  (await call('GET', `/audit/verify?${query}`, undefined, as)).json<Verification>();
const exported = async (query = '', as: Person = 'maintainer') =>
  (await call('GET', `/audit/export?${query}`, undefined, as)).text;

const workflow = definition('hello', { hello: transform('Hello') });
const saved = { tag_name: 'hello', workflow };

test('each request that would change something has one entry: who, what, when and from where', async () => {
  const key = { 'idempotency-key': 'audit' };
  const asked: [string, string, unknown, Person | undefined, Record<string, string>, number][] = [
    ['POST', '/workflows', saved, 'editor', key, 201],
    ['POST', '/workflows', saved, 'editor', key, 201],
    ['POST', '/workflows', saved, 'viewer', {}, 403],
    ['POST', '/tags/nobody%2Fhere/undo', {}, 'editor', {}, 404],
    ['POST', '/tags/hello/undo?project_id=00000000-0000-7000-8000-000000000001', {}, 'editor', {}, 409],
    ['DELETE', '/tags/hello', undefined, 'editor', { 'if-match': '"7"' }, 412],
    ['POST', '/workflows', { tag_name: '!', workflow: {} }, 'editor', {}, 422],
    ['POST', '/runs', { workflow: 'hello', unknown: 1 }, undefined, {}, 400],
  ];
  const began = Date.now();
  for (const [at, [method, path, body, as, more, status]] of asked.entries()) {
    const headers = { 'x-request-id': `request-${at}`, 'user-agent': 'test/1', ...more };
    expect([path, (await call(method, path, body, as, headers)).status]).toEqual([path, status]);
  }
  const found = (await entries()).reverse();
  expect(found).toHaveLength(asked.length);
  for (const [at, [method, path, , as, , status]] of asked.entries()) {
    expect(found[at]).toMatchObject({
      scope: PROJECT_ID,
      principal: as ? `token:${as}` : OWNER.id,
      credential: null,
      target: path.split('?')[0],
      status,
      request_id: `request-${at}`,
      address: '127.0.0.1',
      user_agent: 'test/1',
      replayed: at === 1,
      seq: null,
      hash: null,
    });
    expect(found[at]!.action.split(' ')[0]).toBe(method);
    expect(Math.abs(Date.parse(found[at]!.at) - began)).toBeLessThan(60_000);
  }
  expect(found[3]!.action).toBe('POST /tags/{name}/undo');
  const digest = createHash('sha256').update(JSON.stringify(saved)).digest('hex');
  expect(found[0]!.body_digest).toBe(`sha256:${digest}`);
});

test('what was asked of a project that is not the caller’s is not in its log', async () => {
  expect((await call('POST', '/workflows', saved, 'stranger', { 'x-project-id': PROJECT_ID })).status).toBe(
    404,
  );
  expect(await entries({ principal: 'token:stranger' })).toEqual([]);
  expect(
    await entries({ principal: 'token:stranger', scope: 'installation' }, 'administrator'),
  ).toMatchObject([{ scope: INSTALLATION_SCOPE, status: 404 }]);
});

test('a project’s log is its own, and the installation’s needs a permission', async () => {
  expect((await call('POST', '/workflows', saved, 'stranger')).status).toBe(201);
  expect(await entries({}, 'stranger')).toMatchObject([
    { scope: OTHER_PROJECT_ID, principal: 'token:stranger' },
  ]);
  for (const path of ['/audit', '/audit/verify', '/audit/export']) {
    expect((await call('GET', path, undefined, 'editor')).status).toBe(403);
    expect((await call('GET', `${path}?scope=installation`, undefined, 'maintainer')).status).toBe(403);
    expect((await call('GET', `${path}?scope=installation`, undefined, 'administrator')).status).toBe(200);
    expect((await call('GET', `${path}?scope=everything`)).status).toBe(422);
  }
});

test('the list is filtered by each field, and goes on page by page', async () => {
  const all = await entries();
  const shown = async (query: Record<string, string | number>) => (await entries(query)).map(({ id }) => id);
  const fitting = (fits: (entry: AuditBody) => boolean) => all.filter(fits).map(({ id }) => id);
  const { at } = all[3]!;
  const cases: [Record<string, string | number>, (entry: AuditBody) => boolean][] = [
    [{ principal: 'token:viewer' }, (one) => one.principal === 'token:viewer'],
    [{ action: 'POST /workflows' }, (one) => one.action === 'POST /workflows'],
    [{ status: 404 }, (one) => one.status === 404],
    [{ target: '/tags/' }, (one) => one.target.startsWith('/tags/')],
    [{ since: at }, (one) => one.at >= at],
    [{ until: at }, (one) => one.at < at],
    [{ until: at, target: '/w%' }, () => false],
    [
      { principal: 'token:editor', status: 422 },
      (one) => one.principal === 'token:editor' && one.status === 422,
    ],
  ];
  for (const [query, fits] of cases) expect([query, await shown(query)]).toEqual([query, fitting(fits)]);

  const walked: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = await call('GET', `/audit?limit=3${more}`, undefined, 'maintainer');
    const { items, next_cursor } = page.json<{ items: AuditBody[]; next_cursor: string | null }>();
    walked.push(...items.map(({ id }) => id));
    cursor = next_cursor;
  }
  expect(walked).toEqual(all.map(({ id }) => id));
});

test.each([
  ['/audit?cursor=nonsense', 422],
  [`/audit?cursor=${Buffer.from('{"at":"+200000-01-01T00:00:00Z","id":"x"}').toString('base64url')}`, 422],
  ['/audit?since=yesterday', 422],
  ['/audit?since=0000-01-01T00:00:00Z', 422],
  ['/audit?status=7', 422],
  ['/audit?nothing=1', 400],
  ['/audit?target=%00', 422],
  ['/audit/verify?from_seq=0', 422],
  ['/audit/verify?from_seq=9007199254740993', 422],
  ['/audit/verify?expected_hash=abc', 422],
  ['/audit/export?to_seq=x', 422],
])('%s is refused with %i', async (path, status) => {
  expect((await call('GET', path, undefined, 'maintainer')).status).toBe(status);
});

test('sealed, the chain holds; an export is verified by who knows only the rule', async () => {
  const before = await verify();
  expect(before).toMatchObject({ entries: 0, head: { seq: 0 }, intact: true });
  expect(before.unsealed).toBeGreaterThan(0);
  expect(await seal()).toBeGreaterThan(before.unsealed);
  const all = await entries();
  const after = await verify();
  expect(after).toMatchObject({ entries: all.length, intact: true, first_broken: null, unsealed: 0 });

  const whole = verifyExport(await exported());
  expect(whole.head).toEqual(after.head);
  expect(whole.entries.map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
  expect(new Set(whole.entries.map((entry) => JSON.stringify(entry)))).toEqual(
    new Set(all.map((entry) => JSON.stringify(entry))),
  );
  const part = verifyExport(await exported('from_seq=3&to_seq=5'));
  expect(part.entries.map(({ seq }) => seq)).toEqual([3, 4, 5]);
  expect(verifyExport(await exported('from_seq=1000')).head).toBeNull();
  expect(() => verifyExport('{"seq":1}\n{"summary":{}}')).toThrow('altered');
});

test('a head that was kept is found again, later, from it on or from the start', async () => {
  const kept = (await verify()).head;
  await call('POST', '/workflows', saved, 'editor');
  await seal();
  const { head } = await verify();
  expect(head.seq).toBe(kept.seq + 1);
  for (const from of [1, kept.seq, kept.seq + 1]) {
    const found = await verify(`from_seq=${from}&expected_hash=${kept.hash}`);
    expect(found).toMatchObject({ intact: true, head, entries: head.seq - from + 1 });
  }
  const unmet = { intact: false, first_broken: { seq: head.seq + 1, reason: 'expected_hash_missing' } };
  expect(await verify(`expected_hash=${'f'.repeat(64)}`)).toMatchObject(unmet);
  expect(await verify(`from_seq=${head.seq + 1}&expected_hash=${kept.hash}`)).toMatchObject(unmet);
  expect(await verify(`from_seq=${head.seq + 2}`)).toMatchObject({
    intact: false,
    first_broken: { seq: head.seq + 1, reason: 'entry_missing' },
  });
});

test('a delivery to a hook is in the log of the project that the hook is of', async () => {
  const hooked = { ...workflow, name: 'hooked', triggers: [{ name: 'push' }] };
  await call('POST', '/workflows', { tag_name: 'hooked', workflow: hooked }, 'stranger');
  const { items } = (await call('GET', '/workflows/hooked/hooks', undefined, 'stranger')).json<{
    items: [{ id: string; path: string }];
  }>();
  const path = `/hooks/${items[0].id}`;
  expect((await call('POST', path, {})).status).toBe(202);
  expect((await call('POST', path, {}, undefined, { authorization: '' })).status).toBe(401);
  const [newest, before] = await entries({}, 'stranger');
  expect(newest).toMatchObject({
    scope: OTHER_PROJECT_ID,
    principal: OWNER.id,
    action: 'POST /hooks/{id}',
    target: path,
    status: 202,
  });
  expect(before!.action).toBe('POST /workflows');
});

test('no body, token or query is in any entry', async () => {
  const secret = 'seeded-secret-3f9a';
  const bodies = [
    ['POST', '/runs', { workflow: 'hello', input: { password: secret } }],
    ['POST', '/workflows', { tag_name: secret.repeat(20), workflow: { secret } }],
    ['POST', `/runs?token=${secret}`, { secret }],
    ['POST', '/webhooks', { url: `https://example.com/?key=${secret}`, events: ['*'], secret }],
  ] as const;
  for (const [method, path, body] of bodies)
    await call(method, path, body, undefined, {
      cookie: secret,
      'x-api-key': secret,
      'idempotency-key': secret,
    });
  await seal();
  const { rows } = await opened.database.pool.query<{ text: string }>(
    'SELECT e::text AS text FROM audit_entry e',
  );
  expect(rows.length).toBeGreaterThan(bodies.length);
  const text = rows.map((row) => row.text).join('\n');
  for (const hidden of [secret, TOKEN, ...Object.keys(people).map(tokenOf)])
    expect(text).not.toContain(hidden);
});

test('without the log nothing is acknowledged, and what was done is found by its key', async () => {
  const { pool } = opened.database;
  const key = { 'idempotency-key': 'lost' };
  const more = { tag_name: 'lost', workflow: { ...workflow, name: 'lost' } };
  await pool.query('ALTER TABLE audit_entry RENAME TO audit_entry_away');
  const lost = await call('POST', '/workflows', more, 'editor', key);
  await pool.query('ALTER TABLE audit_entry_away RENAME TO audit_entry');
  expect([lost.status, lost.json().code, lost.headers.get('retry-after')]).toEqual([
    503,
    'audit_unavailable',
    '1',
  ]);
  const again = await call('POST', '/workflows', more, 'editor', key);
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
  const [newest] = await entries({ principal: 'token:editor', limit: 1 });
  expect(newest).toMatchObject({ action: 'POST /workflows', status: 201, replayed: true });
});
