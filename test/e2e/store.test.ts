import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { v7 } from 'uuid';
import {
  LIMITS,
  listeningApi,
  OTHER_PROJECT_ID,
  PROJECT_ID,
  type TestAnswer,
  type TestApi,
  TOKEN,
} from '../../src/api/app-fixture.ts';
import { storeRoutes } from '../../src/api/routes/store.ts';
import { storeServices } from '../../src/domain/store.ts';
import { asDatabaseError, type Database, openDatabase } from '../../src/persistence/db.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const BLOB_BYTES = 1_000_000;
let test_database: TestDatabase;
let database: Database;
let api: TestApi;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 10 });
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [
    OTHER_PROJECT_ID,
  ]);
  const store = storeServices({ db: database.db, ids: v7, limits: { blob_bytes: BLOB_BYTES } });
  const limits = { ...LIMITS, body_bytes: 1_048_576, blob_bytes: BLOB_BYTES };
  api = await listeningApi(storeRoutes(store), { limits, translateError: asDatabaseError });
});

afterAll(async () => {
  await api?.close();
  await database?.close();
  await test_database?.drop();
});

interface Fields {
  [name: string]: unknown;
  items: Fields[];
  next_cursor: string | null;
  errors: { path: string }[];
}

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(method, `/api/v1${path}`, { body, headers });
const definition = (value: unknown) => ({
  schema_version: 1,
  name: 'x',
  nodes: { a: { type: 'transform', config: { value } } },
});
const save = (tag_name: string, value: unknown, more = {}) =>
  call('POST', '/workflows', { tag_name, workflow: definition(value), ...more });
const patchOf = (ref: string, operations: unknown, headers = {}) =>
  call('PATCH', `/workflows/${encodeURIComponent(ref)}`, operations, {
    'content-type': 'application/json-patch+json',
    ...headers,
  });
const fields = (answer: TestAnswer) => answer.json<Fields>();
const problem = (answer: TestAnswer) => [answer.status, answer.json().code];
const statuses = (answers: TestAnswer[]) => answers.map((answer) => answer.status).sort((a, b) => a - b);

describe('workflows', () => {
  it('are saved, read, patched and deleted', async () => {
    const saved = await save('shop', 1, { message: 'first' });
    expect(saved.status).toBe(201);
    expect(saved.headers.get('etag')).toBe('"1"');
    expect(saved.headers.get('location')).toBe('/api/v1/workflows/shop');
    expect(fields(saved)).toMatchObject({
      name: 'shop',
      tag: 'shop',
      tag_version: 1,
      kind: 'dag_version',
      nodes_count: 1,
      message: 'first',
      created_by: 'token:test',
    });
    expect((await save('shop', 1)).status).toBe(200);

    const patched = await patchOf('shop', [{ op: 'replace', path: '/nodes/a/config/value', value: 2 }], {
      'if-match': '"1"',
    });
    expect(patched.status).toBe(200);
    expect(fields(patched)).toMatchObject({
      kind: 'patch_set',
      depth: 1,
      tag_version: 2,
      base_version: fields(saved).artifact_id,
    });

    const read = fields(await call('GET', '/workflows/shop?materialize=true'));
    expect(read.definition).toEqual(definition(2));
    for (const ref of [read.workflow_id, read.version_hash, read.artifact_id] as string[]) {
      expect(fields(await call('GET', `/workflows/${ref}?materialize=1`))).toMatchObject({
        definition: definition(2),
        workflow_id: read.workflow_id,
      });
    }
    expect((await call('DELETE', '/workflows/shop')).status).toBe(204);
    expect(problem(await call('GET', '/workflows/shop'))).toEqual([404, 'not_found']);
  });

  it('have tags with a slash, encoded in the path', async () => {
    await save('shop2/staging', 1);
    expect(fields(await call('GET', '/workflows/shop2%2Fstaging'))).toMatchObject({
      name: 'shop2',
      tag: 'shop2/staging',
    });
    expect(fields(await call('GET', '/workflows/shop2'))).toMatchObject({
      name: 'shop2',
      tag: null,
      artifact_id: null,
    });
  });

  it('may be empty at first', async () => {
    expect((await call('POST', '/workflows', { name: 'bare', description: 'later' })).status).toBe(201);
    expect((await call('POST', '/workflows', { name: 'bare', description: 'later' })).status).toBe(200);
    expect(problem(await call('POST', '/workflows', { name: 'bare' }))).toEqual([409, 'state_conflict']);
    expect(fields(await call('GET', '/workflows/bare'))).toMatchObject({
      name: 'bare',
      tag: null,
      description: 'later',
    });
  });

  it('number their versions', async () => {
    for (const value of [1, 2, 3]) await save('numbered', value);
    const versions = fields(await call('GET', '/workflows/numbered/versions?limit=2'));
    expect(versions.items.map((version) => version.number)).toEqual([3, 2]);
    const rest = fields(
      await call('GET', `/workflows/numbered/versions?cursor=${versions.next_cursor ?? ''}`),
    );
    expect(rest).toMatchObject({ items: [{ number: 1 }], next_cursor: null });
    expect(fields(await call('GET', '/workflows/numbered/versions/2?materialize=true')).definition).toEqual(
      definition(2),
    );
    expect((await call('GET', '/workflows/numbered/versions/4')).status).toBe(404);
    expect((await call('GET', '/workflows/numbered/versions/x')).status).toBe(422);
  });

  it('are compared by node and as a JSON Patch', async () => {
    await save('compared/a', 1);
    await save('compared/b', 2);
    const diff = fields(await call('GET', '/diff?from=compared/a&to=compared/b'));
    expect(diff).toMatchObject({
      nodes: { added: [], removed: [], changed: [{ node: 'a', pointers: ['/nodes/a/config/value'] }] },
      operations: [{ op: 'replace', path: '/nodes/a/config/value', value: 2 }],
    });
    const patched = fields(await patchOf('compared/a', diff.operations));
    expect(patched.version_hash).toBe(diff.to);
    expect((await call('GET', '/diff?from=compared/a&to=none')).status).toBe(404);
    expect((await call('GET', '/diff?from=compared/a')).status).toBe(422);
  });

  it.each<[string, unknown, number, string]>([
    ['an unknown field', { tag_name: 'w', workflow: definition(1), extra: 1 }, 400, 'malformed_request'],
    ['nothing', {}, 422, 'validation_failed'],
    ['no definition', { tag_name: 'w' }, 422, 'validation_failed'],
    ['a name beside a tag', { tag_name: 'w', name: 'w', workflow: definition(1) }, 422, 'validation_failed'],
    ['a bad name', { tag_name: 'a b', workflow: definition(1) }, 422, 'validation_failed'],
    ['a name like an id', { tag_name: v7(), workflow: definition(1) }, 422, 'validation_failed'],
    [
      'a message that is too long',
      { tag_name: 'w', workflow: definition(1), message: 'x'.repeat(501) },
      422,
      'validation_failed',
    ],
    ['a definition that is none', { tag_name: 'w', workflow: [] }, 422, 'definition_invalid'],
    [
      'an unknown field in the definition',
      { tag_name: 'w', workflow: { ...definition(1), extra: 1 } },
      422,
      'definition_invalid',
    ],
    ['U+0000', { tag_name: 'w', workflow: definition('\u0000') }, 422, 'validation_failed'],
    [
      'a stale expectation',
      { tag_name: 'new', workflow: definition(1), expected_version: 3 },
      409,
      'version_conflict',
    ],
  ])('refuse %s', async (_, body, status, code) => {
    expect(problem(await call('POST', '/workflows', body))).toEqual([status, code]);
  });

  it('are listed to the end without repeat or gap while more are added', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `page-${String.fromCharCode(97 + i)}`);
    for (const name of names) await save(name, 1);
    const seen: unknown[] = [];
    let cursor = '';
    do {
      const page = fields(await call('GET', `/workflows?prefix=page-&limit=5${cursor}`));
      seen.push(...page.items.map((item) => item.name));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
      await save(`page-${seen.length}`, 1);
    } while (cursor !== '');
    expect(seen).toEqual([...new Set(seen)]);
    expect(seen).toEqual(expect.arrayContaining(names));
    expect((await call('GET', '/workflows?limit=0')).status).toBe(422);
    expect((await call('GET', '/workflows?cursor=zzz')).status).toBe(422);
    expect((await call('GET', '/workflows?type=deployment')).status).toBe(501);
  });
});

describe('tags', () => {
  it('move, undo and redo, with their version as ETag', async () => {
    const [one, two] = [fields(await save('t/one', 'live 1')), fields(await save('t/two', 'live 2'))];
    const created = await call('PUT', '/tags/t%2Flive', {
      target: one.artifact_id,
      expected_version: null,
      reason: 'go',
    });
    expect([created.status, created.headers.get('etag')]).toEqual([201, '"1"']);
    expect(fields(created)).toEqual({
      name: 't/live',
      target_kind: 'dag_version',
      target_id: one.artifact_id,
      target_hash: one.version_hash,
      version: 1,
      protected: false,
      moved_by: 'token:test',
      moved_at: expect.any(String) as string,
    });
    expect(
      (await call('POST', '/tags/t%2Flive/move', { target: two.version_hash })).headers.get('etag'),
    ).toBe('"2"');
    expect((await call('PUT', '/tags/t%2Flive', { target: two.version_hash })).headers.get('etag')).toBe(
      '"2"',
    );
    expect(fields(await call('POST', '/tags/t%2Flive/undo')).target_id).toBe(one.artifact_id);
    expect(problem(await call('POST', '/tags/t%2Flive/undo'))).toEqual([409, 'nothing_to_undo']);
    expect(fields(await call('POST', '/tags/t%2Flive/redo', {})).target_id).toBe(two.artifact_id);
    expect(problem(await call('POST', '/tags/t%2Flive/redo'))).toEqual([409, 'nothing_to_redo']);
    expect(problem(await call('POST', '/tags/t%2Fnone/move', { target: 't/one' }))).toEqual([
      404,
      'not_found',
    ]);
    const history = fields(await call('GET', '/tags/t%2Flive/history?limit=3'));
    expect(history.items.map((move) => move.type)).toEqual(['redo', 'undo', 'move']);
    const rest = fields(await call('GET', `/tags/t%2Flive/history?cursor=${history.next_cursor ?? ''}`));
    expect(rest.items).toMatchObject([
      { seq: 1, type: 'create', reason: 'go', from_id: null, to_hash: one.version_hash },
    ]);
    expect((await call('DELETE', '/tags/t%2Flive')).status).toBe(204);
    expect((await call('GET', '/tags/t%2Flive')).status).toBe(404);
    expect(fields(await call('GET', '/tags/t%2Flive/history')).items[0]).toMatchObject({
      type: 'delete',
      to_id: null,
    });
  });

  it('let 1 of 100 concurrent moves with one If-Match win: the rest get 412', async () => {
    const targets = await Promise.all(
      [1, 2, 3].map(async (value) => fields(await save(`r/${value}`, value)).artifact_id),
    );
    await call('PUT', '/tags/r%2Flive', { target: targets[0] });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        call('PUT', '/tags/r%2Flive', { target: targets[1 + (i % 2)] }, { 'if-match': '"1"' }),
      ),
    );
    expect(statuses(answers)).toEqual([200, ...Array.from({ length: 99 }, () => 412)]);
    expect(fields(await call('GET', '/tags/r%2Flive/history')).items).toHaveLength(2);
  });

  it('are protected by If-Match', async () => {
    await save('guard/x', 1);
    await call('PUT', '/tags/guard%2Fproduction', { target: 'guard/x', protected: true });
    const refusals = await Promise.all([
      call('PUT', '/tags/guard%2Fproduction', { target: 'guard/x', expected_version: 1 }),
      call('POST', '/tags/guard%2Fproduction/undo'),
      call('POST', '/tags/guard%2Fproduction/redo'),
      call('DELETE', '/tags/guard%2Fproduction'),
      call('DELETE', '/workflows/guard%2Fproduction'),
      patchOf('guard/production', []),
      save('guard/production', 5),
      call('POST', '/patches', { tag: 'guard/production', operations: [] }),
      call('DELETE', '/tags/guard%2Fproduction', undefined, { 'if-match': '*' }),
    ]);
    expect(refusals.map(problem)).toEqual(refusals.map(() => [428, 'tag_protected']));
    expect((await call('DELETE', '/tags/guard%2Fproduction', undefined, { 'if-match': '"7"' })).status).toBe(
      412,
    );
    expect((await call('DELETE', '/tags/guard%2Fproduction', undefined, { 'if-match': '"1"' })).status).toBe(
      204,
    );
  });
});

describe('patches and artifacts', () => {
  it('are stored as a chain', async () => {
    const base = fields(await save('chain', 1));
    const operations = [{ op: 'add', path: '/description', value: 'd', why: 'ignored' }];
    const created = await call('POST', '/patches', {
      tag: 'chain',
      operations,
      message: 'm',
      expected_version: 1,
    });
    expect(created.status).toBe(201);
    const patch = fields(created);
    expect(patch).toMatchObject({
      tag: 'chain',
      tag_version: 2,
      base_version: base.artifact_id,
      parent_id: base.artifact_id,
      depth: 1,
      op_count: 1,
      message: 'm',
    });
    expect(fields(await call('GET', `/patches/${String(patch.id)}`))).toMatchObject({ ...patch, operations });
    const artifact = fields(await call('GET', `/artifacts/${String(patch.id)}?materialize=true`));
    expect(artifact).toMatchObject({ kind: 'patch_set', definition: { description: 'd' } });
    const chain = fields(await call('GET', `/artifacts/${String(patch.id)}/chain`));
    expect(chain).toMatchObject({
      base_version: base.artifact_id,
      depth: 1,
      items: [{ seq: 1, id: patch.id }],
    });
    expect(fields(await call('GET', `/artifacts/${String(base.artifact_id)}/chain`)).items).toEqual([]);
    expect((await call('POST', '/patches', { tag: 'chain', operations: [] })).status).toBe(200);
    expect((await call('GET', `/patches/${String(base.artifact_id)}`)).status).toBe(404);
    expect((await call('GET', '/artifacts/none')).status).toBe(422);
    expect((await call('GET', `/blobs/${String(patch.cas_id)}`)).json()).toEqual(operations);
  });

  it.each<[string, unknown, number, string, string]>([
    ['no array', {}, 422, 'validation_failed', ''],
    ['an unknown operation', [{ op: 'spam', path: '/x' }], 422, 'patch_invalid', '/0/op'],
    ['a target that is not there', [{ op: 'remove', path: '/x' }], 409, 'patch_conflict', '/0/path'],
    [
      'a result that is no definition',
      [{ op: 'remove', path: '/nodes' }],
      422,
      'definition_invalid',
      '/nodes',
    ],
    [
      'too many operations',
      Array.from({ length: 1_001 }, () => ({ op: 'test', path: '', value: 1 })),
      422,
      'patch_invalid',
      '',
    ],
    [
      'doubling',
      Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/c${i}` })),
      422,
      'patch_invalid',
      '/',
    ],
    [
      '__proto__ in a pointer',
      [{ op: 'add', path: '/__proto__', value: { x: 1 } }],
      422,
      'definition_invalid',
      '/__proto__',
    ],
  ])('refuse %s', async (...[, operations, status, code, path]) => {
    await save('refused', 1);
    const answer = await patchOf('refused', operations);
    expect(problem(answer)).toEqual([status, code]);
    expect(fields(answer).errors[0]?.path).toMatch(path === '/' ? /^\// : new RegExp(`^${path}$`));
  });

  it('need the media type of a JSON Patch, a tag that is there, and its version when asked for', async () => {
    expect((await call('PATCH', '/workflows/refused', [])).status).toBe(415);
    expect((await patchOf('none', [])).status).toBe(404);
    expect((await patchOf('refused', [], { 'if-match': '"99"' })).status).toBe(412);
    const { version_hash } = fields(await call('GET', '/workflows/refused'));
    expect((await patchOf(String(version_hash), [])).status).toBe(422);
  });
});

describe('blobs', () => {
  const send = (
    method: string,
    path: string,
    body?: Buffer | ReadableStream,
    headers: Record<string, string> = {},
  ) => {
    const init = { method, body, duplex: 'half', headers: { authorization: `Bearer ${TOKEN}`, ...headers } };
    return fetch(`${api.url}/api/v1${path}`, init as RequestInit);
  };
  const idOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

  it('are put, read and described', async () => {
    const bytes = randomBytes(BLOB_BYTES);
    const put = await send('PUT', '/blobs', bytes, { 'content-type': 'image/png' });
    expect(put.status).toBe(201);
    expect(await put.json()).toEqual({
      cas_id: idOf(bytes),
      size_bytes: BLOB_BYTES,
      media_type: 'image/png',
    });
    expect((await send('PUT', `/blobs/${idOf(bytes)}`, bytes)).status).toBe(200);
    const got = await send('GET', `/blobs/${idOf(bytes)}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
    expect(got.headers.get('etag')).toBe(`"${idOf(bytes)}"`);
    expect(got.headers.get('content-type')).toBe('image/png');
    const head = await send('HEAD', `/blobs/${idOf(bytes)}`);
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(BLOB_BYTES)]);
    expect(
      (await send('GET', `/blobs/${idOf(bytes)}`, undefined, { 'if-none-match': `"${idOf(bytes)}"` })).status,
    ).toBe(304);
  });

  it('are refused over the limit, announced or not, and under a wrong name', async () => {
    const large = randomBytes(BLOB_BYTES + 1);
    expect((await send('PUT', '/blobs', large)).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(large);
        controller.close();
      },
    });
    expect((await send('PUT', '/blobs', stream)).status).toBe(413);
    const wrong = await send('PUT', `/blobs/${idOf(large)}`, randomBytes(10));
    expect([wrong.status, ((await wrong.json()) as Fields).code]).toEqual([422, 'hash_mismatch']);
    expect((await send('GET', `/blobs/${idOf(large)}`)).status).toBe(404);
    expect((await send('GET', '/blobs/sha256:zz')).status).toBe(422);
  });

  it('leave nothing behind when the caller goes away in the middle', async () => {
    const before = (await database.pool.query('SELECT count(*) FROM cas_blob')).rows as unknown;
    const { hostname, port } = new URL(api.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `PUT /api/v1/blobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 1000\r\n\r\nhalf`,
        );
        setTimeout(() => socket.destroy(), 100);
      });
      socket.on('close', () => resolve());
    });
    expect((await send('PUT', '/blobs', Buffer.alloc(0))).status).toBe(201);
    expect((await database.pool.query('SELECT count(*) - 1 AS count FROM cas_blob')).rows).toEqual(before);
  });

  it('answer 500 blob_corrupt and no bytes when what is stored is not what was put', async () => {
    const bytes = randomBytes(100_000);
    await send('PUT', '/blobs', bytes);
    await database.pool.query(
      'UPDATE cas_blob SET content = set_byte(content, 70000, get_byte(content, 70000) # 1) WHERE cas_id = $1',
      [idOf(bytes)],
    );
    const got = await send('GET', `/blobs/${idOf(bytes)}`);
    expect([got.status, ((await got.json()) as Fields).code]).toEqual([500, 'blob_corrupt']);
    expect(api.failures).toHaveLength(1);
  });
});

it('answers every route with another project as if nothing were there', async () => {
  const saved = fields(await save('mine', 1));
  const patch = fields(
    await call('POST', '/patches', {
      tag: 'mine',
      operations: [{ op: 'add', path: '/description', value: 'x' }],
    }),
  );
  const foreign = { 'x-project-id': OTHER_PROJECT_ID };
  const reads = [
    ...[
      '/workflows/mine',
      `/workflows/${String(saved.workflow_id)}`,
      `/workflows/${String(saved.version_hash)}`,
      '/workflows/mine/versions',
    ],
    ...[
      '/workflows/mine/versions/1',
      '/diff?from=mine&to=mine',
      '/tags/mine',
      '/tags/mine/history',
      `/patches/${String(patch.id)}`,
    ],
    ...[
      `/artifacts/${String(patch.id)}`,
      `/artifacts/${String(patch.id)}/chain`,
      `/blobs/${String(saved.cas_id)}`,
    ],
  ];
  const absent = (await call('GET', '/tags/absent')).json();
  for (const path of reads) {
    expect((await call('GET', path)).status).toBe(200);
    const answer = (await call('GET', path, undefined, foreign)).json();
    expect([path, { ...answer, request_id: '' }]).toEqual([path, { ...absent, request_id: '' }]);
  }
  const writes = await Promise.all([
    call('POST', '/tags/mine/undo', {}, foreign),
    call('DELETE', '/tags/mine', undefined, foreign),
    call('DELETE', '/workflows/mine', undefined, foreign),
    call('POST', '/patches', { tag: 'mine', operations: [] }, foreign),
    call('PUT', '/tags/theirs', { target: saved.artifact_id }, foreign),
    call('PUT', '/tags/theirs', { target: saved.version_hash }, foreign),
  ]);
  expect(statuses(writes)).toEqual(writes.map(() => 404));
  expect(fields(await call('GET', '/workflows', undefined, foreign)).items).toEqual([]);
  expect(PROJECT_ID).not.toBe(OTHER_PROJECT_ID);
});
