import { v7 } from 'uuid';
import {
  LIMITS,
  listeningApi,
  OTHER_PROJECT_ID,
  type TestAnswer,
  type TestApi,
} from '../../src/api/app-fixture.ts';
import { storeRoutes } from '../../src/api/routes/store.ts';
import { storeServices } from '../../src/domain/store.ts';
import { asDatabaseError, type Database, openDatabase } from '../../src/persistence/db.ts';
import { definition, transform } from '../support/definitions.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let test_database: TestDatabase;
let database: Database;
let api: TestApi;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 10 });
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [
    OTHER_PROJECT_ID,
  ]);
  api = await restarted();
});

afterAll(async () => {
  await api?.close();
  await database?.close();
  await test_database?.drop();
});

/** The API over a store that remembers nothing. */
function restarted(): Promise<TestApi> {
  const store = storeServices({ db: database.db, ids: v7 });
  const limits = { ...LIMITS, body_bytes: 1_048_576 };
  return listeningApi(storeRoutes(store), { limits, translateError: asDatabaseError });
}

interface Fields {
  [name: string]: unknown;
  errors: { path: string }[];
  nodes: Fields[];
}

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(method, `/api/v1${path}`, { body, headers });
const fields = (answer: TestAnswer) => answer.json<Fields>();
const problem = (answer: TestAnswer) => [answer.status, answer.json().code];
const paths = (answer: TestAnswer) => fields(answer).errors.map(({ path }) => path);
const merge = (body: object, headers?: Record<string, string>) => call('POST', '/merge', body, headers);
const query = (path: string, values: Record<string, string>) =>
  call('GET', `${path}?${new URLSearchParams(values).toString()}`);
const set = (path: string, value: unknown) => ({ op: 'add', path, value });
const patch = async (tag: string, ...operations: object[]) =>
  fields(await call('POST', '/patches', { tag, operations, message: `patch of ${tag}` }));

/** `<name>` and `<name>/t`, each one patch away from their common ancestor. */
async function fork(name: string, ours = set('/params/x', 1), theirs = set('/params/y', 2)) {
  const workflow = definition(name, { a: transform(1) }, { params: { n: 0 } });
  const root = fields(await call('POST', '/workflows', { tag_name: name, workflow }));
  expect((await call('PUT', `/tags/${name}%2Ft`, { target: name })).status).toBe(201);
  return { root, mine: await patch(name, ours), other: await patch(`${name}/t`, theirs) };
}

describe('a merge', () => {
  it('answers the version that has both sides, and the tag with its version', async () => {
    const { root, mine, other } = await fork('m1');
    const merged = await merge(
      { ours: 'm1', theirs: 'm1/t', tag: 'm1', message: 'both' },
      { 'if-match': '"2"' },
    );
    expect([merged.status, merged.headers.get('etag')]).toEqual([200, '"3"']);
    expect(fields(merged)).toEqual({
      merged: 'merged',
      version_hash: expect.stringMatching(/^sha256:/) as string,
      artifact_id: expect.any(String) as string,
      ours: mine.version_hash,
      theirs: other.version_hash,
      merge_bases: [{ artifact_id: root.artifact_id, version_hash: root.version_hash }],
      conflicts: [],
      tag: 'm1',
      tag_version: 3,
    });
    const read = fields(await call('GET', `/workflows/m1?materialize=true`));
    expect(read).toMatchObject({
      version_hash: fields(merged).version_hash,
      kind: 'dag_version',
      message: 'both',
    });
    expect(read.definition).toMatchObject({ params: { n: 0, x: 1, y: 2 } });
    const artifact = await call('GET', `/artifacts/${fields(merged).artifact_id as string}`);
    expect(fields(artifact).parents).toEqual([mine.id, other.id]);
    expect(fields(await merge({ ours: 'm1/t', theirs: 'm1', tag: 'm1/t' }))).toMatchObject({
      merged: 'fast_forward',
      artifact_id: fields(merged).artifact_id,
    });
    expect(fields(await merge({ ours: 'm1', theirs: 'm1/t', tag: 'm1' }))).toMatchObject({
      merged: 'already_up_to_date',
      tag_version: 3,
    });
  });

  it('without a tag answers a version that can be read, and no ETag', async () => {
    await fork('m2');
    const merged = await merge({ ours: 'm2', theirs: 'm2/t' });
    expect([merged.status, merged.headers.get('etag')]).toEqual([200, null]);
    expect(fields(merged)).toMatchObject({ tag: null, tag_version: null });
    const hash = fields(merged).version_hash as string;
    expect((await call('GET', `/workflows/${hash}?materialize=true`)).status).toBe(200);
    expect(fields(await call('GET', '/tags/m2'))).toMatchObject({ version: 2 });
  });

  it('answers 409 with every conflict, and is done with resolutions', async () => {
    const { mine, other } = await fork('m3', set('/params/n', 1), set('/params/n', null));
    const refused = await merge({ ours: 'm3', theirs: 'm3/t', tag: 'm3' });
    expect(problem(refused)).toEqual([409, 'merge_conflict']);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(fields(refused)).toMatchObject({
      conflicts: [{ path: '/params/n', kind: 'both_changed', base: 0, ours: 1, theirs: null }],
      ours: mine.version_hash,
      theirs: other.version_hash,
    });
    const resolved = await merge({
      ours: mine.version_hash,
      theirs: other.version_hash,
      tag: 'm3',
      resolutions: [{ op: 'replace', path: '/params/n', value: 3 }],
    });
    expect(resolved.status).toBe(200);
    expect(fields(await call('GET', '/workflows/m3?materialize=true')).definition).toMatchObject({
      params: { n: 3 },
    });
  });

  it('leaves out the member of a side that has no value', async () => {
    await fork('m4', { op: 'remove', path: '/params/n' } as never, set('/params/n', null));
    const [conflict] = fields(await merge({ ours: 'm4', theirs: 'm4/t' })).conflicts as Fields[];
    expect(conflict).toEqual({ path: '/params/n', kind: 'changed_deleted', base: 0, theirs: null });
  });

  it('answers 422 with every problem when the two make no definition', async () => {
    await fork('m5', { op: 'move', from: '/nodes/a', path: '/nodes/b' } as never, {
      op: 'add',
      path: '/nodes/c',
      value: transform(1, { needs: ['a'], if: '${{ steps.a.output }}' }),
    });
    const refused = await merge({ ours: 'm5', theirs: 'm5/t', tag: 'm5' });
    expect(problem(refused)).toEqual([422, 'definition_invalid']);
    expect(paths(refused).sort()).toEqual(['/nodes/c/if', '/nodes/c/needs/0']);
    expect(fields(await call('GET', '/tags/m5'))).toMatchObject({ version: 2 });
  });

  it('refuses what is wrong with the request, every problem at once', async () => {
    await fork('m6');
    const sides = { ours: 'm6', theirs: 'm6/t' };
    expect((await merge({ ...sides, into: 'm6' })).status).toBe(400);
    const bad = await merge({
      ours: '',
      tag: 'm6',
      message: 'x'.repeat(501),
      expected_version: 0,
      resolutions: {},
    });
    expect(bad.status).toBe(422);
    expect(paths(bad).sort()).toEqual(['/expected_version', '/message', '/ours', '/resolutions', '/theirs']);
    const named = await merge({ ...sides, tag: 'not a name' });
    expect([...problem(named), ...paths(named)]).toEqual([422, 'validation_failed', '/tag']);
    const untagged = await merge({ ...sides, expected_version: 2 }, { 'if-match': '"2"' });
    expect(paths(untagged)).toEqual(['/headers/if-match', '/expected_version']);
    const patched = await merge({ ...sides, resolutions: [{ op: 'copy', path: 'x' }] });
    expect([...problem(patched), ...paths(patched)]).toEqual([422, 'patch_invalid', '/0/path', '/0/from']);
    expect(fields(await call('GET', '/tags/m6'))).toMatchObject({ version: 2 });
  });

  it('moves the tag through its gate', async () => {
    await fork('m7');
    const request = { ours: 'm7', theirs: 'm7/t', tag: 'm7' };
    expect(problem(await merge(request, { 'if-match': '"1"' }))).toEqual([412, 'stale_if_match']);
    expect(problem(await merge({ ...request, expected_version: 1 }))).toEqual([409, 'version_conflict']);
    expect((await call('PUT', '/tags/m7', { target: 'm7', protected: true })).status).toBe(200);
    expect(problem(await merge(request))).toEqual([428, 'tag_protected']);
    expect((await merge(request, { 'if-match': '"2"' })).status).toBe(200);
  });

  it('needs a common ancestor and a tag that keeps what it has', async () => {
    await fork('m8');
    await fork('m9');
    expect(problem(await merge({ ours: 'm8', theirs: 'm9' }))).toEqual([409, 'no_merge_base']);
    expect(problem(await merge({ ours: 'm8', theirs: 'm8/t', tag: 'm9' }))).toEqual([
      409,
      'not_fast_forward',
    ]);
    expect((await merge({ ours: 'm8', theirs: 'm9', base: 'm8', tag: 'm8' })).status).toBe(200);
  });
});

describe('a branch', () => {
  const move = (name: string, body: object) => call('POST', `/tags/${encodeURIComponent(name)}/move`, body);

  it('is made from any reference, listed, fast-forwarded and deleted', async () => {
    const { root, other } = await fork('f1');
    for (const [name, target] of Object.entries({ tag: 'f1', id: root.artifact_id, hash: root.version_hash }))
      expect((await call('PUT', `/tags/f1%2F${name}`, { target, expected_version: null })).status).toBe(201);
    const listed = fields(await call('GET', '/tags?workflow=f1')).items as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(['f1', 'f1/hash', 'f1/id', 'f1/t', 'f1/tag']);
    const moved = await move('f1/id', { target: 'f1/t', fast_forward_only: true });
    expect(fields(moved)).toMatchObject({ version: 2, target_id: other.id });
    expect((await move('f1/id', { target: 'f1/t', fast_forward_only: true })).headers.get('etag')).toBe(
      '"2"',
    );
    expect((await call('DELETE', '/tags/f1%2Fid')).status).toBe(204);
  });

  it('is not moved forward to what does not come from it, nor back', async () => {
    const { root, mine } = await fork('f2');
    for (const target of ['f2/t', root.artifact_id]) {
      expect(problem(await move('f2', { target, fast_forward_only: true }))).toEqual([
        409,
        'not_fast_forward',
      ]);
      const put = await call('PUT', '/tags/f2', { target, fast_forward_only: true });
      expect(problem(put)).toEqual([409, 'not_fast_forward']);
    }
    const stale = await call(
      'POST',
      '/tags/f2/move',
      { target: 'f2/t', fast_forward_only: true },
      { 'if-match': '"1"' },
    );
    expect(problem(stale)).toEqual([412, 'stale_if_match']);
    expect(fields(await call('GET', '/tags/f2'))).toMatchObject({ version: 2, target_id: mine.id });
    expect((await move('f2', { target: 'f2/t', fast_forward_only: false })).status).toBe(200);
  });

  it('loses no version to any number of fast-forwards at once', async () => {
    await fork('f3');
    for (let i = 0; i < 8; i++) {
      await call('PUT', `/tags/f3%2Fb${i}`, { target: 'f3' });
      await patch(`f3/b${i}`, set(`/params/p${i}`, i));
    }
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => move('f3', { target: `f3/b${i}`, fast_forward_only: true })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(409)]);
  });
});

describe('compare', () => {
  it('counts the versions of each side and names what both come from', async () => {
    const { root, mine, other } = await fork('c1');
    await patch('c1/t', set('/params/z', 3));
    const compared = fields(await query('/compare', { base: 'c1', head: 'c1/t' }));
    expect(compared).toMatchObject({
      base: mine.version_hash,
      ahead: 2,
      behind: 1,
      merge_base: root.version_hash,
      merge_bases: [{ artifact_id: root.artifact_id }],
    });
    expect(fields(await query('/compare', { base: 'c1/t', head: other.id as string }))).toMatchObject({
      ahead: 0,
      behind: 1,
      merge_base: other.version_hash,
    });
    await fork('c2');
    expect(fields(await query('/compare', { base: 'c1', head: 'c2' }))).toMatchObject({
      ahead: 2,
      behind: 2,
      merge_base: null,
      merge_bases: [],
    });
  });
});

describe('blame', () => {
  it('answers who set a value, when, why and by which version of a tag', async () => {
    const { mine } = await fork('b1');
    expect(fields(await query('/blame', { ref: 'b1', pointer: '/params/x' }))).toMatchObject({
      pointer: '/params/x',
      value: 1,
      artifact_id: mine.id,
      version_hash: mine.version_hash,
      kind: 'patch_set',
      message: 'patch of b1',
      created_by: 'token:test',
      tag: 'b1',
      tag_version: 2,
      boundary: false,
    });
    expect(fields(await query('/blame', { ref: 'b1', pointer: '' }))).toMatchObject({ artifact_id: mine.id });
  });

  it('without a pointer answers one entry per node', async () => {
    const { root, mine } = await fork('b2', set('/nodes/b', transform(2)));
    const { nodes, version_hash } = fields(await query('/blame', { ref: 'b2' }));
    expect(version_hash).toBe(mine.version_hash);
    expect(nodes.map(({ pointer, artifact_id }) => [pointer, artifact_id])).toEqual([
      ['/nodes/a', root.artifact_id],
      ['/nodes/b', mine.id],
    ]);
  });

  it('refuses a text that is no pointer and finds nothing at one that leads nowhere', async () => {
    await fork('b3');
    for (const pointer of ['params', '/params/~', '/a/~2']) {
      const refused = await query('/blame', { ref: 'b3', pointer });
      expect([...problem(refused), ...paths(refused)]).toEqual([422, 'validation_failed', '/query/pointer']);
    }
    const nothing = await query('/blame', { ref: 'b3', pointer: '/params/none' });
    expect([...problem(nothing), ...paths(nothing)]).toEqual([404, 'not_found', '/query/pointer']);
  });
});

describe('every reference', () => {
  const uses = [
    (ref: string) => merge({ ours: ref, theirs: 'r1' }),
    (ref: string) => merge({ ours: 'r1', theirs: ref, tag: 'r1' }),
    (ref: string) => merge({ ours: 'r1', theirs: 'r1', base: ref }),
    (ref: string) => query('/compare', { base: ref, head: 'r1' }),
    (ref: string) => query('/compare', { base: 'r1', head: ref }),
    (ref: string) => query('/blame', { ref }),
    (ref: string) => query('/blame', { ref, pointer: '/params' }),
    (ref: string) => query('/diff', { from: ref, to: 'r1' }),
    (ref: string) => query('/diff', { from: 'r1', to: ref }),
  ];

  it('is 404 when it is unknown or of another project, in the same words', async () => {
    await fork('r1');
    const workflow = definition('foreign', { a: transform('foreign') });
    const foreign = fields(
      await call(
        'POST',
        '/workflows',
        { tag_name: 'foreign', workflow },
        { 'x-project-id': OTHER_PROJECT_ID },
      ),
    );
    const unknown = ['none', v7(), `sha256:${'0'.repeat(64)}`, 'no reference at all'];
    for (const use of uses) {
      const answers = [];
      for (const ref of [...unknown, foreign.version_hash, foreign.artifact_id, 'foreign'] as string[])
        answers.push(await use(ref));
      expect(answers.map(problem)).toEqual(answers.map(() => [404, 'not_found']));
      const texts = answers.map((answer) => ({ ...fields(answer), request_id: '' }));
      expect(new Set(texts.map((text) => JSON.stringify(text))).size).toBe(1);
    }
  });

  it('is 409 for a workflow that has no version, 422 when it is missing', async () => {
    await call('POST', '/workflows', { name: 'bare' });
    for (const use of uses) expect(problem(await use('bare'))).toEqual([409, 'state_conflict']);
    for (const path of ['/compare?base=r1', '/blame', '/diff?to=r1'])
      expect((await call('GET', path)).status).toBe(422);
    expect((await call('GET', '/blame?ref=r1&node=a')).status).toBe(400);
  });

  it('is 410 where a version is needed that was collected; ancestry stays', async () => {
    const { root, mine } = await fork('r2', set('/params/x', 'r2'));
    await patch('r2', set('/params/z', 'r2'));
    const at = [root.artifact_id, mine.id];
    await database.pool.query('UPDATE artifact SET live = false WHERE id = ANY ($1::uuid[])', [at]);
    await database.pool.query(
      `UPDATE cas_blob b SET content = NULL, collected_at = now() FROM artifact a
       WHERE a.id = ANY ($1::uuid[]) AND b.cas_id IN (a.cas_id, a.version_hash)`,
      [at],
    );
    await api.close();
    api = await restarted();
    const gone = mine.id as string;
    for (const answer of [
      await merge({ ours: 'r2', theirs: 'r2/t' }),
      await query('/blame', { ref: gone, pointer: '' }),
      await query('/diff', { from: gone, to: 'r2' }),
      await query('/compare', { base: gone, head: 'r2' }),
    ])
      expect(problem(answer)).toEqual([410, 'blob_collected']);
    expect(fields(await query('/compare', { base: 'r2', head: 'r2/t' }))).toMatchObject({
      ...{ ahead: 1, behind: 2, merge_base: root.version_hash },
    });
    expect(fields(await query('/blame', { ref: 'r2', pointer: '/params/x' }))).toMatchObject({
      boundary: true,
    });
  });
});
