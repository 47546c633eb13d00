import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { SLICE_BYTES } from '../../../src/contract/object-store.ts';
import {
  blobApi,
  type BlobApi,
  casIdOf,
  collect,
  OTHER_PROJECT_ID,
  type SendOptions,
} from '../../support/blob-api.ts';
import { STORE_KINDS } from '../../support/object-stores.ts';

const LIMIT = 4 * 1_048_576;
const SIZES = [1, 100_000, SLICE_BYTES, SLICE_BYTES + 1, 5 * SLICE_BYTES + 4_321];
const OTHER = { 'x-project-id': OTHER_PROJECT_ID };

const bodyOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code];

/** What says something about the blob, rather than about this one answer. */
function headersOf(answer: Response): Record<string, string> {
  const own = ['date', 'x-request-id', 'keep-alive', 'connection'];
  return Object.fromEntries([...answer.headers].filter(([name]) => !own.includes(name)));
}

/** Where blobs are: in their rows, or in one of the object stores. */
const PLACES = [['row', 'postgres', LIMIT], ...STORE_KINDS.map((kind) => [kind, kind, 0] as const)] as const;

describe.each(PLACES)('blobs in %s', (place, kind, inline_blob_bytes) => {
  let blobs: BlobApi;

  beforeAll(async () => {
    blobs = await blobApi(kind, { inline_blob_bytes, blob_bytes: LIMIT });
  });
  afterAll(() => blobs?.close());

  const put = (bytes: Buffer, headers?: Record<string, string>) =>
    blobs.send('PUT', '/blobs', { body: bytes, headers });
  const get = (cas_id: string, headers?: Record<string, string>) =>
    blobs.send('GET', `/blobs/${cas_id}`, { headers });
  const count = async (what: string) => {
    const { rows } = await blobs.database.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${what}`);
    return rows[0]!.n;
  };

  it.each(SIZES)('of %i bytes come back as they were put', async (size) => {
    const bytes = randomBytes(size);
    const cas_id = casIdOf(bytes);
    const stored = await put(bytes, { 'content-type': 'image/png' });
    expect(stored.status).toBe(201);
    expect(stored.headers.get('etag')).toBe(`"${cas_id}"`);
    expect(stored.headers.get('location')).toBe(`/api/v1/blobs/${cas_id}`);
    expect(await stored.json()).toEqual({ cas_id, size_bytes: size, media_type: 'image/png' });
    expect((await put(bytes)).status).toBe(200);
    const got = await get(cas_id);
    expect(got.status).toBe(200);
    expect((await bodyOf(got)).equals(bytes)).toBe(true);
    expect(
      (await blobs.store.blobs.get('00000000-0000-7000-8000-000000000001', cas_id)).bytes.equals(bytes),
    ).toBe(true);
    const kept = `cas_blob WHERE cas_id = '${cas_id}' AND storage_url IS ${place === 'row' ? 'NULL' : 'NOT NULL'}`;
    expect(await count(kept)).toBe(1);
  });

  it('may be empty', async () => {
    const { cas_id } = (await (await put(Buffer.alloc(0))).json()) as { cas_id: string };
    const got = await get(cas_id);
    expect([got.status, got.headers.get('content-length'), (await bodyOf(got)).length]).toEqual([
      200,
      '0',
      0,
    ]);
    expect(await codeOf(await get(cas_id, { range: 'bytes=0-' }))).toEqual([416, 'range_not_satisfiable']);
    expect((await get(cas_id, { range: 'bytes=-1' })).status).toBe(200);
  });

  it('have the same headers in GET and HEAD', async () => {
    for (const size of SIZES) {
      // The type is that of the first upload of these bytes, and there are not many single ones.
      const bytes = size === 1 ? Buffer.from('h') : randomBytes(size);
      await put(bytes, { 'content-type': 'text/plain; charset=utf-8' });
      const [got, head] = [await get(casIdOf(bytes)), await blobs.send('HEAD', `/blobs/${casIdOf(bytes)}`)];
      await got.arrayBuffer();
      expect(head.status).toBe(200);
      expect(headersOf(head)).toEqual(headersOf(got));
      expect(headersOf(head)).toMatchObject({
        'content-length': String(size),
        'content-type': 'text/plain; charset=utf-8',
        etag: `"${casIdOf(bytes)}"`,
        'accept-ranges': 'bytes',
      });
      expect((await head.arrayBuffer()).byteLength).toBe(0);
    }
  });

  it('are not sent again to who has them', async () => {
    const bytes = randomBytes(3 * SLICE_BYTES);
    const cas_id = casIdOf(bytes);
    await put(bytes);
    for (const known of [`"${cas_id}"`, `W/"${cas_id}"`, `"other", "${cas_id}"`, '*']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await blobs.send(method, `/blobs/${cas_id}`, { headers: { 'if-none-match': known } });
        expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([304, 0]);
        expect(answer.headers.get('etag')).toBe(`"${cas_id}"`);
      }
    }
    expect((await get(cas_id, { 'if-none-match': '"sha256:other"' })).status).toBe(200);
    expect((await get(casIdOf(randomBytes(9)), { 'if-none-match': '*' })).status).toBe(404);
  });

  it('give any range, as a slice of the whole would be', async () => {
    const bytes = randomBytes(2 * SLICE_BYTES + 4_321);
    const cas_id = casIdOf(bytes);
    await put(bytes);
    const near = fc.constantFrom(
      0,
      1,
      SLICE_BYTES - 1,
      SLICE_BYTES,
      SLICE_BYTES + 1,
      2 * SLICE_BYTES,
      bytes.length - 1,
    );
    const position = fc.oneof(near, fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 2 * bytes.length }));
    await fc.assert(
      fc.asyncProperty(position, fc.option(position, { nil: undefined }), async (first, last) => {
        const got = await get(cas_id, { range: `bytes=${first}-${last ?? ''}` });
        const body = await bodyOf(got);
        if (last !== undefined && last < first) {
          // Such a range means nothing and is not there at all.
          expect([got.status, body.equals(bytes)]).toEqual([200, true]);
        } else if (first >= bytes.length) {
          expect([got.status, got.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`]);
        } else {
          const expected = bytes.subarray(first, (last ?? bytes.length) + 1);
          expect([got.status, body.equals(expected)]).toEqual([206, true]);
          const end = first + expected.length - 1;
          expect(got.headers.get('content-range')).toBe(`bytes ${first}-${end}/${bytes.length}`);
          expect(got.headers.get('content-length')).toBe(String(expected.length));
        }
      }),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 * bytes.length }), async (length) => {
        const got = await get(cas_id, { range: `bytes=-${length}` });
        expect([got.status, (await bodyOf(got)).equals(bytes.subarray(-length))]).toEqual([206, true]);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['several ranges', 'bytes=0-1,5-9'],
    ['another unit', 'lines=0-1'],
    ['no range', 'bytes=-'],
    ['nonsense', 'bytes=one-two'],
    ['a range that ends before it begins', 'bytes=9-3'],
  ])('are sent whole to who asks for %s', async (_, range) => {
    const bytes = randomBytes(SLICE_BYTES + 10);
    await put(bytes);
    const got = await get(casIdOf(bytes), { range });
    expect([got.status, (await bodyOf(got)).equals(bytes)]).toEqual([200, true]);
  });

  it('give a range only while the rest is the same, when asked so', async () => {
    const bytes = randomBytes(SLICE_BYTES + 10);
    const cas_id = casIdOf(bytes);
    await put(bytes);
    const range = 'bytes=5-9';
    expect((await get(cas_id, { range, 'if-range': `"${cas_id}"` })).status).toBe(206);
    for (const other of ['"sha256:other"', `W/"${cas_id}"`, 'Wed, 21 Oct 2015 07:28:00 GMT'])
      expect((await get(cas_id, { range, 'if-range': other })).status).toBe(200);
    const head = await blobs.send('HEAD', `/blobs/${cas_id}`, { headers: { range } });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
  });

  it('are stored once for all, and named by each project as it did first', async () => {
    const bytes = randomBytes(SLICE_BYTES + 5);
    const cas_id = casIdOf(bytes);
    await put(bytes, { 'content-type': 'text/csv' });
    const before = [await count('cas_blob'), await count('object_chunk'), await count('object_garbage')];
    expect(await codeOf(await blobs.send('GET', `/blobs/${cas_id}`, { headers: OTHER }))).toEqual([
      404,
      'not_found',
    ]);
    expect((await put(bytes, { ...OTHER, 'content-type': 'application/pdf' })).status).toBe(201);
    const again = await put(bytes, { 'content-type': 'image/gif' });
    expect([again.status, await again.json()]).toMatchObject([200, { media_type: 'text/csv' }]);
    expect([await count('cas_blob'), await count('object_chunk'), await count('object_garbage')]).toEqual(
      before,
    );
    expect((await get(cas_id)).headers.get('content-type')).toBe('text/csv');
    expect((await get(cas_id, OTHER)).headers.get('content-type')).toBe('application/pdf');
  });

  it('that were collected answer 410 to who could read them, until somebody stores them again', async () => {
    const bytes = randomBytes(SLICE_BYTES + 6);
    const cas_id = casIdOf(bytes);
    await put(bytes);
    await collect(blobs, cas_id);
    const conditional: SendOptions = { headers: { 'if-none-match': `"${cas_id}"` } };
    expect(await codeOf(await get(cas_id))).toEqual([410, 'blob_collected']);
    expect(await codeOf(await blobs.send('GET', `/blobs/${cas_id}`, conditional))).toEqual([
      410,
      'blob_collected',
    ]);
    expect((await blobs.send('HEAD', `/blobs/${cas_id}`)).status).toBe(410);
    expect((await get(cas_id, OTHER)).status).toBe(404);
    expect((await blobs.store.blobs.sweepGarbage(0)).failed).toEqual([]);
    expect((await put(bytes, OTHER)).status).toBe(201);
    for (const headers of [{}, OTHER])
      expect((await bodyOf(await get(cas_id, headers))).equals(bytes)).toBe(true);
    expect(await count(`cas_blob WHERE cas_id = '${cas_id}' AND collected_at IS NULL`)).toBe(1);
  });

  it('that may be collected soon are kept when they are stored again', async () => {
    const bytes = randomBytes(SLICE_BYTES + 7);
    const cas_id = casIdOf(bytes);
    await put(bytes);
    await blobs.database.pool.query('UPDATE cas_blob SET unreachable_since = now() WHERE cas_id = $1', [
      cas_id,
    ]);
    expect((await put(bytes)).status).toBe(200);
    expect(await count(`cas_blob WHERE cas_id = '${cas_id}' AND unreachable_since IS NULL`)).toBe(1);
  });

  it('are taken up to the limit, announced or not', async () => {
    const bytes = randomBytes(LIMIT);
    const streamed = (body: Buffer) => new Blob([new Uint8Array(body)]).stream();
    expect((await blobs.send('PUT', '/blobs', { body: streamed(bytes) })).status).toBe(201);
    expect((await put(bytes)).status).toBe(200);
    const large = randomBytes(LIMIT + 1);
    expect(await codeOf(await put(large))).toEqual([413, 'payload_too_large']);
    expect(await codeOf(await blobs.send('PUT', '/blobs', { body: streamed(large) }))).toEqual([
      413,
      'payload_too_large',
    ]);
    expect((await get(casIdOf(large))).status).toBe(404);
  });

  it('are refused under a name that is not theirs, and leave nothing', async () => {
    const before = [await count('cas_blob'), await count('object_chunk'), await count('object_garbage')];
    const named = `/blobs/${casIdOf(randomBytes(10))}`;
    for (const size of [10, SLICE_BYTES + 1])
      expect(await codeOf(await blobs.send('PUT', named, { body: randomBytes(size) }))).toEqual([
        422,
        'hash_mismatch',
      ]);
    expect((await blobs.send('GET', named)).status).toBe(404);
    expect([await count('cas_blob'), await count('object_chunk'), await count('object_garbage')]).toEqual(
      before,
    );
    const bytes = randomBytes(SLICE_BYTES + 1);
    expect((await blobs.send('PUT', `/blobs/${casIdOf(bytes)}`, { body: bytes })).status).toBe(201);
  });

  it.each([
    ['a compressed body', { 'content-encoding': 'gzip' }],
    ['a type that is none', { 'content-type': 'none' }],
    ['a type that is too long', { 'content-type': `a/${'b'.repeat(300)}` }],
  ])('are refused with %s', async (_, headers) => {
    expect(await codeOf(await put(randomBytes(10), headers))).toEqual([415, 'unsupported_media_type']);
  });

  it('leave no file behind', async () => {
    expect(await readdir(blobs.spool_directory)).toEqual([]);
  });
});

it.each(['GET', 'HEAD', 'PUT'])(
  '%s refuses a name that is none, an unknown project and query',
  async (method) => {
    const blobs = await blobApi('postgres');
    const body = method === 'PUT' ? randomBytes(3) : undefined;
    const status = async (path: string, headers = {}) =>
      (await blobs.send(method, path, { body, headers })).status;
    const cas_id = casIdOf(randomBytes(3));
    expect(await status('/blobs/sha256:zz')).toBe(422);
    expect(await status(`/blobs/${cas_id}?unknown=1`)).toBe(400);
    expect(await status(`/blobs/${cas_id}`, { 'x-project-id': 'ffffffff-0000-7000-8000-000000000001' })).toBe(
      404,
    );
    expect(await status(`/blobs/${cas_id}`, { authorization: 'Bearer no' })).toBe(401);
    expect(await status(`/blobs/${cas_id}`)).toBe(method === 'PUT' ? 422 : 404);
    await blobs.close();
  },
);
