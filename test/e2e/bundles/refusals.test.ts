import { randomUUID } from 'node:crypto';
import { OTHER_PROJECT_ID } from '../../../src/api/app-fixture.ts';
import { BUNDLE_MEDIA_TYPE } from '../../../src/domain/rules/bundle-format.ts';
import { contentHash } from '../../../src/domain/rules/content-hash.ts';
import { forged, sealed, linesOf } from '../../support/bundles.ts';
import { definitionOf } from '../../support/store.ts';
import { type CallMore, type StoreApi, storeApi } from '../../support/store-api.ts';

let store: StoreApi;
let bundle: string;

beforeAll(async () => {
  store = await storeApi({ reader: { role: 'viewer' }, writer: { role: 'editor' } });
  await store.call('POST', '/workflows', { tag_name: 'shop', workflow: definitionOf(1) });
  await store.call('POST', '/workflows', { tag_name: 'shop', workflow: definitionOf(2) });
  await store.call('POST', '/workflows', { name: 'empty', description: '' });
  bundle = (await store.call('GET', '/workflows/shop/bundle')).text;
});

afterAll(() => store?.close());

const HASH = contentHash('x');
const post = (text: string, query = '', { headers, ...more }: CallMore = {}) =>
  store.call('POST', `/workflows/import${query}`, text, {
    ...more,
    headers: { 'content-type': BUNDLE_MEDIA_TYPE, ...headers },
  });
const get = (ref: string, more?: CallMore) =>
  store.call('GET', `/workflows/${encodeURIComponent(ref)}/bundle`, undefined, more);
const problem = (answer: { status: number; json(): { code?: string } }) => [
  answer.status,
  answer.json().code,
];
const elsewhere = { headers: { 'x-project-id': OTHER_PROJECT_ID } };

describe('GET /workflows/:ref/bundle', () => {
  it('answers what is there to anyone who may read', async () => {
    expect((await get('shop', { as: 'reader' })).text).toBe(bundle);
    const hash = (JSON.parse(linesOf(bundle)[1]!) as { tag: { version_hash: string } }).tag.version_hash;
    expect((await get(hash)).status).toBe(200);
    const { workflow_id } = (await store.call('GET', '/workflows/shop')).json<{ workflow_id: string }>();
    expect((await get(workflow_id)).text).toBe(bundle);
  });

  it.each(['nothing', 'shop/nothing', 'a//b', '!', HASH, randomUUID()])('of %s is 404', async (ref) => {
    expect(problem(await get(ref))).toEqual([404, 'not_found']);
  });

  it('of another project is 404', async () => {
    expect(problem(await get('shop', elsewhere))).toEqual([404, 'not_found']);
  });

  it('of a workflow without versions is 409, and of a version that was collected 410', async () => {
    expect(problem(await get('empty'))).toEqual([409, 'state_conflict']);
    const { artifact_id } = (
      await store.call('POST', '/workflows', { tag_name: 'brief', workflow: definitionOf('brief') })
    ).json<{ artifact_id: string }>();
    await store.call('DELETE', '/tags/brief');
    await store.database.pool.query('UPDATE artifact SET live = false WHERE id = $1', [artifact_id]);
    expect(problem(await get(artifact_id))).toEqual([410, 'blob_collected']);
  });

  it('refuses a query it does not know', async () => {
    const path = '/workflows/shop/bundle';
    expect(problem(await store.call('GET', `${path}?since=1`))).toEqual([400, 'malformed_request']);
    expect(problem(await store.call('GET', `${path}?have=sha256:1`))).toEqual([422, 'validation_failed']);
    const many = Array.from({ length: 201 }, (_, i) => contentHash(String(i))).join(',');
    expect(problem(await store.call('GET', `${path}?have=${many}`))).toEqual([422, 'validation_failed']);
    expect((await store.call('GET', `${path}?have=`)).text).toBe(bundle);
  });
});

describe('POST /workflows/import', () => {
  it('is for who may write', async () => {
    expect(problem(await post(bundle, '', { as: 'reader' }))).toEqual([403, 'forbidden']);
    expect(problem(await post(bundle, '', { headers: { authorization: 'Bearer nobody' } }))).toEqual([
      401,
      'unauthenticated',
    ]);
    expect((await post(bundle, '', { as: 'writer' })).status).toBe(200);
  });

  it('takes a bundle and nothing else', async () => {
    const as = (type: string) => post(bundle, '', { headers: { 'content-type': type } });
    expect(problem(await as('application/json'))).toEqual([415, 'unsupported_media_type']);
    expect(problem(await as('application/x-ndjson'))).toEqual([415, 'unsupported_media_type']);
    const compressed = post(bundle, '', { headers: { 'content-encoding': 'gzip' } });
    expect(problem(await compressed)).toEqual([415, 'unsupported_media_type']);
  });

  it('refuses a query it does not know', async () => {
    expect(problem(await post(bundle, '?force=true'))).toEqual([400, 'malformed_request']);
    expect(problem(await post(bundle, '?on_conflict=merge'))).toEqual([422, 'validation_failed']);
    for (const name of ['', 'a/b', '-a', randomUUID()])
      expect(problem(await post(bundle, `?as=${encodeURIComponent(name)}`))).toEqual([
        422,
        'validation_failed',
      ]);
  });

  it('refuses what is announced to be larger than allowed', async () => {
    const large = 'x'.repeat(70_000);
    expect(problem(await post(large))).toEqual([413, 'payload_too_large']);
  });

  it('names the line and the member of what is wrong', async () => {
    const answer = await post(forged(bundle, 'tag', (tag) => ({ ...tag, version: 0 })));
    expect(problem(answer)).toEqual([422, 'bundle_invalid']);
    expect(answer.json()).toMatchObject({
      detail: expect.stringMatching(/^Line 2: /) as string,
      errors: [{ path: '/2/tag/version' }],
    });
    expect(problem(await post(''))).toEqual([422, 'bundle_invalid']);
  });

  it('needs what a thin bundle builds on', async () => {
    const hash = (JSON.parse(linesOf(bundle)[1]!) as { tag: { version_hash: string } }).tag.version_hash;
    const thin = await store.call('GET', `/workflows/shop/bundle?have=${hash}`);
    const answer = await post(thin.text, '', elsewhere);
    expect(problem(answer)).toEqual([409, 'state_conflict']);
    expect(answer.json()).toMatchObject({ errors: [{ path: '/3/requires' }] });
  });

  it('with on_conflict=fail is 409 when a tag went another way', async () => {
    await store.call('POST', '/workflows', { tag_name: 'shop', workflow: definitionOf('shop') }, elsewhere);
    const answer = await post(bundle, '?on_conflict=fail', elsewhere);
    expect(problem(answer)).toEqual([409, 'state_conflict']);
    expect(answer.json()).toMatchObject({ errors: [{ path: '/2/tag', message: 'shop is diverged' }] });
    expect((await post(bundle, '', elsewhere)).json()).toMatchObject({ tags: [{ result: 'diverged' }] });
  });

  it('refuses an artifact that comes twice', async () => {
    const lines = linesOf(bundle);
    const twice = sealed([
      ...lines.slice(0, -2),
      lines.find((line) => line.includes('"artifact":'))!,
      ...lines.slice(-2),
    ]);
    expect(problem(await post(twice))).toEqual([422, 'bundle_invalid']);
  });
});

describe('POST /workflows/import/negotiate', () => {
  const negotiate = (body: unknown, more?: CallMore) =>
    store.call('POST', '/workflows/import/negotiate', body, more);

  it('is for who may read', async () => {
    expect((await negotiate({ version_hashes: [HASH] }, { as: 'reader' })).json()).toEqual({
      have: [],
      missing: [HASH],
    });
  });

  it.each([
    [{}, 422],
    [{ version_hashes: ['x'] }, 422],
    [{ version_hashes: Array.from({ length: 1_001 }, () => HASH) }, 422],
    [{ version_hashes: [], more: 1 }, 400],
  ])('refuses %j', async (body, status) => {
    expect((await negotiate(body)).status).toBe(status);
  });
});
