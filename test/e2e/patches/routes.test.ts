import { add, AS_PATCH, fields, type PatchesApi, patchesApi, problem } from './patches-api.ts';

let opened: PatchesApi;
beforeAll(async () => {
  opened = await patchesApi();
});
afterAll(() => opened?.close());

const call: PatchesApi['call'] = (...request) => opened.call(...request);
const chain: PatchesApi['chain'] = (...patches) => opened.chain(...patches);
const definition: PatchesApi['definition'] = (tag) => opened.definition(tag);
const countRows = async () =>
  (
    await opened.database.pool.query<{ rows: unknown }>(
      `SELECT (SELECT count(*) FROM artifact) AS artifacts, (SELECT count(*) FROM cas_blob) AS blobs,
         (SELECT count(*) FROM tag_move) AS moves, (SELECT count(*) FROM materialisation) AS snapshots`,
    )
  ).rows;

describe('a dry run', () => {
  it('answers on both routes what the patch would make, and makes nothing', async () => {
    await chain('dry');
    const operations = add('a', 1);
    const before = await countRows();
    const posted = await call('POST', '/patches', { tag: 'dry', operations, dry_run: true });
    const patched = await call('PATCH', '/workflows/dry?dry_run=true', operations, AS_PATCH);
    expect([posted.status, posted.headers.get('etag')]).toEqual([200, '"1"']);
    expect(patched.text).toBe(posted.text);
    expect(fields(posted)).toMatchObject({
      dry_run: true,
      tag: 'dry',
      tag_version: 1,
      valid: true,
      errors: [],
      changed: true,
      diff: { operations },
    });
    expect(await countRows()).toEqual(before);
    const made = await call('PATCH', '/workflows/dry', operations, AS_PATCH);
    expect(fields(made).version_hash).toBe(fields(posted).version_hash);
  });

  it('of a result that is no definition is an answer with every problem', async () => {
    await chain('broken');
    const operations = [
      { op: 'add', path: '/nodes/a/needs', value: ['b'] },
      { op: 'add', path: '/colour', value: 1 },
    ];
    const answer = await call('POST', '/patches', { tag: 'broken', operations, dry_run: true });
    expect(answer.status).toBe(200);
    expect(fields(answer)).toMatchObject({ valid: false, version_hash: null, changed: false });
    expect(
      fields(answer)
        .errors.map(({ path }) => path)
        .sort(),
    ).toEqual(['/colour', '/nodes/a/needs/0']);
    expect(problem(await call('POST', '/patches', { tag: 'broken', operations }))).toBe(
      '422 definition_invalid',
    );
  });
});

describe('a revert', () => {
  it('takes back a patch in the middle of a chain, and is taken back itself', async () => {
    const [first] = await chain('middle', add('a', 1), add('b', 2), add('c', 3));
    const answer = await call(
      'POST',
      `/patches/${first!}/revert`,
      { tag: 'middle', message: 'no a' },
      { if_match: 4 },
    );
    expect([answer.status, answer.headers.get('etag')]).toEqual([201, '"5"']);
    expect(fields(answer)).toMatchObject({ tag: 'middle', message: 'no a', reverts_id: first, op_count: 1 });
    expect((await definition('middle')).params).toEqual({ b: 2, c: 3 });
    const again = await call('POST', `/patches/${first!}/revert`, { tag: 'middle' });
    expect([again.status, fields(again).tag_version]).toEqual([200, 5]);
    const back = await call('POST', `/patches/${fields(answer).id}/revert`, {
      tag: 'middle',
      expected_version: 5,
    });
    expect(back.status).toBe(201);
    expect((await definition('middle')).params).toEqual({ a: 1, b: 2, c: 3 });
  });

  it('that later patches stand in the way of names them, and goes when they are taken back', async () => {
    const [first, second, third] = await chain('ways', add('o', {}), add('o/x', 1), add('free', 1));
    const refused = await call('POST', `/patches/${first!}/revert`, { tag: 'ways' });
    expect(problem(refused)).toBe('409 revert_conflict');
    expect(refused.json()).toMatchObject({
      detail: '1 later patch depends on this one.',
      errors: [{ path: '/params/o/x', message: `patch ${second!} depends on it` }],
      conflicts: [{ patch_id: second, pointers: ['/params/o/x'] }],
    });
    expect((await call('POST', `/patches/${second!}/revert`, { tag: 'ways' })).status).toBe(201);
    expect((await call('POST', `/patches/${first!}/revert`, { tag: 'ways' })).status).toBe(201);
    expect((await definition('ways')).params).toEqual({ free: 1 });
    expect(third).toBeDefined();
  });

  it('goes on another tag whose chain has the patch', async () => {
    const [first] = await chain('here', add('a', 1), add('b', 2));
    await call('PUT', '/tags/here%2Fstaging', { target: 'here' });
    expect((await call('POST', `/patches/${first!}/revert`, { tag: 'here/staging' })).status).toBe(201);
    expect((await definition('here/staging')).params).toEqual({ b: 2 });
    expect((await definition('here')).params).toEqual({ a: 1, b: 2 });
  });
});

describe('a compaction', () => {
  it('is a version of its own: 201, then 200 with the same', async () => {
    const [, head] = await chain('short', add('a', 1), add('b', 2));
    const before = fields(await call('GET', '/workflows/short'));
    const made = await call('POST', `/artifacts/${head!}/compact`, { message: 'tidy' });
    expect(made.status).toBe(201);
    expect(fields(made)).toMatchObject({
      kind: 'dag_version',
      version_hash: before.version_hash,
      compacted_from_id: head,
      message: 'tidy',
      depth: 0,
      tag: null,
      tag_version: null,
    });
    const again = await call('POST', `/artifacts/${head!}/compact`);
    expect([again.status, fields(again).id]).toEqual([200, fields(made).id]);
    expect(fields(await call('GET', `/artifacts/${head!}/chain`)).items).toHaveLength(2);
    expect(fields(await call('GET', '/workflows/short'))).toEqual(before);
  });

  it('takes a tag along, through its gate', async () => {
    const [head] = await chain('along', add('a', 1));
    const made = await call('POST', `/artifacts/${head!}/compact`, { tag: 'along' }, { if_match: 2 });
    expect([made.status, made.headers.get('etag')]).toEqual([201, '"3"']);
    expect(fields(made)).toMatchObject({ tag: 'along', tag_version: 3 });
    expect(fields(await call('GET', '/tags/along'))).toMatchObject({
      target_id: fields(made).id,
      version: 3,
    });
    expect((await definition('along')).params).toEqual({ a: 1 });
  });
});

it('lists a chain to its end without repeat or gap while patches are added', async () => {
  const ids = await chain('paged', ...Array.from({ length: 12 }, (_, i) => add(`p${i}`, i)));
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = fields(await call('GET', `/artifacts/${ids.at(-1)!}/chain?limit=5${cursor}`));
    seen.push(...page.items.map((link) => link.id));
    await call('POST', '/patches', { tag: 'paged', operations: add(`late${seen.length}`, 1) });
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  expect(seen).toEqual(ids);
});
