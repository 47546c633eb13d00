import { PROJECT_ID } from '../../../src/api/app-fixture.ts';
import type { CallMore } from '../../support/store-api.ts';
import { add, fields, type PatchesApi, patchesApi, problem } from './patches-api.ts';

const NOBODY = '00000000-0000-7000-8000-00000000dead';
const ABSENT_HASH = `sha256:${'0'.repeat(64)}`;
const TAG = 'refused';

const create = 'POST /patches';
const patch = 'PATCH /workflows/:tag';
const preview = 'PATCH /workflows/:tag?dry_run=true';
const read = 'GET /patches/:id';
const revert = 'POST /patches/:id/revert';
const artifact = 'GET /artifacts/:id';
const chain = 'GET /artifacts/:id/chain';
const compact = 'POST /artifacts/:id/compact';
const all = [create, patch, preview, read, revert, artifact, chain, compact];
const writes = [create, patch, preview, revert, compact];
/** Those whose body is an object of ours. */
const envelopes = [create, revert, compact];
const applying = [create, patch, preview];
const by_id = [read, revert, artifact, chain, compact];

interface Case {
  routes: string[];
  what: string;
  answer: string;
  tag?: string;
  id?: string;
  /** Of the envelope. */
  body?: Record<string, unknown>;
  operations?: unknown;
  /** In place of any body. */
  text?: string;
  query?: string;
  more?: CallMore;
  /** Pointers of the problems. */
  at?: string[];
}

const CASES: Case[] = [
  { routes: all, what: 'no token', answer: '401 unauthenticated', more: { headers: { authorization: '' } } },
  { routes: all, what: 'a foreign project', answer: '404 not_found', more: { as: 'stranger' } },
  {
    routes: all,
    what: 'a project that is not there',
    answer: '404 not_found',
    query: `project_id=${NOBODY}`,
  },
  {
    routes: all,
    what: 'a project that is none',
    answer: '422 validation_failed',
    query: 'project_id=x',
    at: ['/query/project_id'],
  },
  {
    routes: all,
    what: 'an unknown query',
    answer: '400 malformed_request',
    query: 'colour=red',
    at: ['/query/colour'],
  },
  { routes: writes, what: 'a viewer', answer: '403 forbidden', more: { as: 'viewer' } },
  { routes: writes, what: 'broken JSON', answer: '400 malformed_request', text: '{' },
  { routes: writes, what: 'U+0000', answer: '422 validation_failed', text: '{"tag":"\\u0000"}' },
  {
    routes: writes,
    what: 'a body that is too large',
    answer: '413 payload_too_large',
    text: `"${'x'.repeat(1_048_577)}"`,
  },
  {
    routes: writes,
    what: 'a media type that is not its own',
    answer: '415 unsupported_media_type',
    more: { headers: { 'content-type': 'text/plain' } },
  },
  {
    routes: [patch],
    what: 'plain JSON',
    answer: '415 unsupported_media_type',
    more: { headers: { 'content-type': 'application/json' } },
  },
  {
    routes: writes,
    what: 'an If-Match that cannot be read',
    answer: '400 malformed_request',
    more: { headers: { 'if-match': '"1", "2"' } },
  },
  {
    routes: envelopes,
    what: 'an unknown field',
    answer: '400 malformed_request',
    body: { colour: 1 },
    at: ['/colour'],
  },
  {
    routes: envelopes,
    what: 'a message that is too long',
    answer: '422 validation_failed',
    body: { message: 'x'.repeat(501) },
    at: ['/message'],
  },
  {
    routes: envelopes,
    what: 'an expected version that is none',
    answer: '422 validation_failed',
    body: { tag: TAG, expected_version: 0 },
    at: ['/expected_version'],
  },
  {
    routes: envelopes,
    what: 'broken glass without a reason',
    answer: '422 validation_failed',
    body: { tag: TAG, break_glass: true },
    at: ['/message'],
  },
  {
    routes: envelopes,
    what: 'broken glass without the permission',
    answer: '403 forbidden',
    body: { tag: TAG, break_glass: true, message: 'm' },
    more: { as: 'editor' },
  },
  {
    routes: [create],
    what: 'nothing',
    answer: '422 validation_failed',
    text: '{}',
    at: ['/operations', '/tag'],
  },
  { routes: [revert], what: 'nothing', answer: '422 validation_failed', text: '{}', at: ['/tag'] },
  {
    routes: [create],
    what: 'a dry run that is no flag',
    answer: '422 validation_failed',
    body: { dry_run: 'yes' },
    at: ['/dry_run'],
  },
  {
    routes: [patch],
    what: 'a dry run that is no flag',
    answer: '422 validation_failed',
    query: 'dry_run=maybe',
    at: ['/query/dry_run'],
  },
  {
    routes: [compact],
    what: 'an expectation without a tag',
    answer: '422 validation_failed',
    text: '{"expected_version":1}',
    at: ['/expected_version'],
  },
  { routes: by_id, what: 'an id that is none', answer: '422 validation_failed', id: 'x', at: ['/path/id'] },
  { routes: by_id, what: 'an id that is not there', answer: '404 not_found', id: NOBODY },
  { routes: [read, revert], what: 'a version that is no patch', answer: '404 not_found', id: 'base' },
  {
    routes: [...applying, revert, compact],
    what: 'a tag that is not there',
    answer: '404 not_found',
    tag: 'refused/none',
  },
  {
    routes: [...applying, revert, compact],
    what: 'a name no tag can have',
    answer: '404 not_found',
    tag: 'a b',
  },
  {
    routes: [patch, preview],
    what: 'a version hash, which names no tag',
    answer: '422 validation_failed',
    tag: 'hash',
  },
  { routes: [patch, preview], what: 'a hash that is not there', answer: '404 not_found', tag: ABSENT_HASH },
  {
    routes: [chain],
    what: 'a limit out of range',
    answer: '422 validation_failed',
    query: 'limit=101',
    at: ['/query/limit'],
  },
  {
    routes: [chain],
    what: 'a cursor that is none',
    answer: '422 validation_failed',
    query: 'cursor=zzz',
    at: ['/query/cursor'],
  },
  {
    routes: [chain],
    what: 'a cursor of another list',
    answer: '422 validation_failed',
    query: `cursor=${cursorOf({ seq: 'x' })}`,
    at: ['/query/cursor'],
  },
  {
    routes: [artifact],
    what: 'a flag that is none',
    answer: '422 validation_failed',
    query: 'materialize=maybe',
    at: ['/query/materialize'],
  },

  {
    routes: [patch, preview],
    what: 'operations that are no list',
    answer: '422 validation_failed',
    operations: {},
    at: [''],
  },
  {
    routes: applying,
    what: 'an operation that is none',
    answer: '422 patch_invalid',
    operations: [{ op: 'spam', path: '/x' }, 1],
    at: ['/0/op', '/1'],
  },
  {
    routes: applying,
    what: 'operations that lack members',
    answer: '422 patch_invalid',
    operations: [
      { op: 'add', path: 'x' },
      { op: 'move', path: '/a' },
    ],
    at: ['/0/path', '/0/value', '/1/from'],
  },
  {
    routes: applying,
    what: 'too many operations',
    answer: '422 patch_invalid',
    operations: Array.from({ length: 1_001 }, () => ({ op: 'test', path: '', value: 1 })),
    at: [''],
  },
  {
    routes: applying,
    what: 'a document that doubles',
    answer: '422 patch_invalid',
    operations: Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/c${i}` })),
  },
  {
    routes: applying,
    what: 'the whole document gone',
    answer: '422 patch_invalid',
    operations: [{ op: 'remove', path: '' }],
    at: [''],
  },
  {
    routes: applying,
    what: 'a place that is not there',
    answer: '409 patch_conflict',
    operations: [{ op: 'remove', path: '/x' }],
    at: ['/0/path'],
  },
  {
    routes: applying,
    what: 'a test that fails',
    answer: '409 patch_conflict',
    operations: [{ op: 'test', path: '/name', value: 'y' }],
    at: ['/0/value'],
  },
  {
    routes: [create, patch],
    what: 'a result that is no definition',
    answer: '422 definition_invalid',
    operations: [
      { op: 'remove', path: '/nodes' },
      { op: 'add', path: '/colour', value: 1 },
    ],
    at: ['/colour', '/nodes'],
  },
  {
    routes: [create, patch],
    what: '__proto__ as a member',
    answer: '422 definition_invalid',
    operations: [{ op: 'add', path: '/__proto__', value: {} }],
    at: ['/__proto__'],
  },

  { routes: writes, what: 'a stale If-Match', answer: '412 stale_if_match', more: { if_match: 1 } },
  {
    routes: envelopes,
    what: 'a wrong expected version',
    answer: '409 version_conflict',
    body: { tag: TAG, expected_version: 1 },
  },
  {
    routes: envelopes,
    what: 'a tag that should not be there',
    answer: '409 version_conflict',
    body: { tag: TAG, expected_version: null },
  },
  {
    routes: [create, patch, revert, compact],
    what: 'a protected tag without If-Match',
    answer: '428 tag_protected',
    tag: 'refused/live',
  },
  {
    routes: [create, patch, revert, compact],
    what: 'a protected tag and too low a role',
    answer: '403 forbidden',
    tag: 'refused/live',
    more: { as: 'editor', if_match: 1 },
  },
  {
    routes: [create, patch, revert, compact],
    what: 'a tag whose changes need approval',
    answer: '409 approval_required',
    tag: 'refused/approved',
    more: { if_match: 1 },
  },
  {
    routes: [revert],
    what: 'a later patch that depends on it',
    answer: '409 revert_conflict',
    id: 'first',
    at: ['/params/o/x'],
  },
  { routes: [revert], what: 'a patch of another chain', answer: '409 state_conflict', id: 'stranger' },
  { routes: [compact], what: 'a version that is no patch', answer: '409 state_conflict', id: 'base' },
  { routes: [compact], what: 'a tag that has gone on', answer: '409 state_conflict', id: 'first' },
  { routes: [compact], what: 'a version that was collected', answer: '410 blob_collected', id: 'collected' },
  {
    routes: [artifact],
    what: 'a version that was collected',
    answer: '410 blob_collected',
    id: 'collected',
    query: 'materialize=true',
  },
  { routes: [read], what: 'operations that were collected', answer: '410 blob_collected', id: 'collected' },
];

function cursorOf(position: object): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

let opened: PatchesApi;
/** What the names in the cases stand for. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  opened = await patchesApi();
  const { call } = opened;
  const [first, head] = await opened.chain(TAG, add('o', {}), add('o/x', 1));
  const [stranger] = await opened.chain('stranger', add('a', 1));
  const { base_version, version_hash } = fields(await call('GET', `/workflows/${TAG}`));
  Object.assign(ids, { first, head, stranger, base: base_version, hash: version_hash });
  await call('PUT', '/tags/refused%2Flive', { target: head, protected: true });
  await call('PUT', '/tags/refused%2Fapproved', { target: head });
  await call('POST', '/tag-rules', { pattern: '*/approved', role: 'maintainer', approvals: 1 });
  ids.collected = await collectedPatch();
});
afterAll(() => opened?.close());

/** A patch, never read before, of which only the row is left. */
async function collectedPatch(): Promise<string> {
  const { pool } = opened.database;
  const hash = `sha256:${'c'.repeat(64)}`;
  await pool.query(`INSERT INTO cas_blob (cas_id, size_bytes, collected_at) VALUES ('${hash}', 1, now())`);
  await pool.query(
    `INSERT INTO blob_grant (project_id, cas_id, media_type) VALUES ($1, '${hash}', 'application/json')`,
    [PROJECT_ID],
  );
  const insert = (columns: string, values: string) =>
    pool.query<{ id: string }>(
      `INSERT INTO artifact (id, project_id, cas_id, version_hash, created_by, live, ${columns})
       VALUES (gen_random_uuid(), $1, '${hash}', '${hash}', 'test', false, ${values}) RETURNING id`,
      [PROJECT_ID],
    );
  const base = (await insert('kind', `'dag_version'`)).rows[0]!.id;
  const place = `'patch_set', '${hash}', 1, '${base}', ARRAY['${base}'::uuid]`;
  return (await insert('kind, plan_hash, depth, base_version, parents', place)).rows[0]!.id;
}

function send(route: string, one: Case) {
  const [method = '', path = ''] = route.split(' ');
  const { tag = TAG, id = 'head', query, more } = one;
  const address = path
    .replace(':tag', encodeURIComponent(ids[tag] && tag === 'hash' ? ids[tag] : tag))
    .replace(':id', ids[id] ?? id);
  const joined = query ? `${address}${address.includes('?') ? '&' : '?'}${query}` : address;
  const media_type: Record<string, string> =
    method === 'PATCH' ? { 'content-type': 'application/json-patch+json' } : {};
  return opened.call(method, joined, one.text ?? bodyOf(route, one), {
    ...more,
    headers: { ...media_type, ...more?.headers },
  });
}

function bodyOf(route: string, { tag = TAG, body, operations = add('y', 1) }: Case): unknown {
  if (route === patch || route === preview) return operations;
  if (route === create) return { tag, operations, ...body };
  return route === revert || route === compact ? { tag, ...body } : undefined;
}

describe('every refusal of the patch and artifact routes', () => {
  const table = CASES.flatMap(({ routes, ...rest }) => routes.map((route) => ({ route, ...rest })));

  it.each(table)('$route with $what: $answer', async ({ route, answer, at, ...rest }) => {
    const got = await send(route, { routes: [], answer, ...rest });
    expect(problem(got)).toBe(answer);
    expect(got.headers.get('content-type')).toBe('application/problem+json');
    if (at) expect((fields(got).errors ?? []).map((error) => error.path).sort()).toEqual(at);
  });

  it('is one of a method that is not there', async () => {
    for (const [method, path] of [
      ['DELETE', '/patches'],
      ['PUT', `/patches/${NOBODY}`],
      ['GET', `/patches/${NOBODY}/revert`],
      ['DELETE', `/artifacts/${NOBODY}`],
      ['GET', `/artifacts/${NOBODY}/compact`],
    ] as const)
      expect([path, problem(await opened.call(method, path))]).toEqual([path, '405 method_not_allowed']);
  });

  it('left everything as it was', async () => {
    for (const [tag, version] of [
      [TAG, 3],
      ['refused/live', 1],
      ['refused/approved', 1],
      ['stranger', 2],
    ] as const) {
      const { tag_version } = fields(await opened.call('GET', `/workflows/${encodeURIComponent(tag)}`));
      expect([tag, tag_version]).toEqual([tag, version]);
    }
    const { rows } = await opened.database.pool.query(
      'SELECT 1 FROM artifact WHERE compacted_from_id IS NOT NULL',
    );
    expect(rows).toEqual([]);
    expect(opened.api.failures).toEqual([]);
  });
});
