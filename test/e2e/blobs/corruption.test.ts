import { randomBytes } from 'node:crypto';
import { SLICE_BYTES } from '../../../src/contract/object-store.ts';
import { blobApi, type BlobApi, casIdOf, PROJECT_ID } from '../../support/blob-api.ts';
import { STORE_KINDS } from '../../support/object-stores.ts';

const SMALL = 190;
const LARGE = 10;
const LARGE_BYTES = 3 * SLICE_BYTES + 1_000;
const PLACES = [
  ['row', 'postgres', 1_048_576],
  ...STORE_KINDS.map((kind) => [kind, kind, 0] as const),
] as const;

/** How a reading ended: with the right bytes, other bytes, an integrity error, or a connection that was cut. */
type Outcome = 'right' | 'wrong' | 'refused' | 'cut';

describe.each(PLACES)('blobs in %s, some of which were corrupted there', (place, kind, inline_blob_bytes) => {
  let blobs: BlobApi;

  beforeAll(async () => {
    blobs = await blobApi(kind, { inline_blob_bytes });
  });
  afterAll(() => blobs?.close());

  async function put(size: number): Promise<Buffer> {
    const bytes = randomBytes(size);
    expect((await blobs.send('PUT', '/blobs', { body: bytes })).status).toBe(201);
    return bytes;
  }

  async function read(bytes: Buffer, range?: [start: number, end: number]): Promise<Outcome> {
    const headers: Record<string, string> = range ? { range: `bytes=${range[0]}-${range[1] - 1}` } : {};
    const answer = await blobs.send('GET', `/blobs/${casIdOf(bytes)}`, { headers });
    if (answer.status === 500) {
      expect(await answer.json()).toMatchObject({ code: 'blob_corrupt' });
      return 'refused';
    }
    const body = await answer.arrayBuffer().catch(() => undefined);
    if (!body) return 'cut';
    return Buffer.from(body).equals(range ? bytes.subarray(...range) : bytes) ? 'right' : 'wrong';
  }

  async function corrupt(bytes: Buffer, at_byte: number): Promise<void> {
    const cas_id = casIdOf(bytes);
    if (place !== 'row') return blobs.objects.corrupt(await blobs.keyOf(cas_id), at_byte);
    await blobs.database.pool.query(
      'UPDATE cas_blob SET content = set_byte(content, $2, get_byte(content, $2) # 1) WHERE cas_id = $1',
      [cas_id, at_byte],
    );
  }

  it('answer an integrity error and never a wrong byte; all others are right', async () => {
    const small = await Promise.all(Array.from({ length: SMALL }, () => put(1_000)));
    const large = await Promise.all(Array.from({ length: LARGE }, () => put(LARGE_BYTES)));
    const broken = new Map<Buffer, number>([
      [small[100]!, 0],
      [small[150]!, 999],
      [large[3]!, 10],
      [large[8]!, 2 * SLICE_BYTES + 7],
    ]);
    for (const [bytes, at_byte] of broken) await corrupt(bytes, at_byte);
    const check = async (bytes: Buffer) => {
      const outcome = await read(bytes);
      const inside = blobs.store.blobs.get(PROJECT_ID, casIdOf(bytes));
      if (broken.has(bytes)) {
        expect(['refused', 'cut']).toContain(outcome);
        await expect(inside).rejects.toMatchObject({ code: 'blob_corrupt' });
      } else {
        expect(outcome).toBe('right');
        expect((await inside).bytes.equals(bytes)).toBe(true);
      }
    };
    await Promise.all([...small, ...large].map(check));
    // What is wrong at the beginning is known before the status is sent.
    for (const bytes of [small[100]!, small[150]!, large[3]!]) expect(await read(bytes)).toBe('refused');
    expect(new Set(blobs.corrupt)).toEqual(new Set([...broken.keys()].map(casIdOf)));
  });

  it('give no wrong byte in a range either', async () => {
    const bytes = await put(LARGE_BYTES);
    await corrupt(bytes, SLICE_BYTES + 5);
    // In its row a blob is verified as a whole; an object slice by slice.
    const elsewhere = place === 'row' ? 'refused' : 'right';
    expect(await read(bytes, [0, SLICE_BYTES])).toBe(elsewhere);
    expect(await read(bytes, [2 * SLICE_BYTES, LARGE_BYTES])).toBe(elsewhere);
    expect(await read(bytes, [SLICE_BYTES + 5, SLICE_BYTES + 6])).toBe('refused');
    expect(await read(bytes, [2 * SLICE_BYTES - 1, 2 * SLICE_BYTES + 1])).toBe('refused');
    expect(await read(bytes, [SLICE_BYTES - 1, SLICE_BYTES + 1])).toBe(place === 'row' ? 'refused' : 'cut');
  });

  if (place !== 'row')
    it('are as good as corrupted when the object or the hashes of its slices are not what they were', async () => {
      const [gone, hashes, sound] = [await put(LARGE_BYTES), await put(LARGE_BYTES), await put(LARGE_BYTES)];
      await blobs.objects.store.delete(await blobs.keyOf(casIdOf(gone)));
      await blobs.database.pool.query(
        'UPDATE cas_blob SET slice_hashes = set_byte(slice_hashes, 3, get_byte(slice_hashes, 3) # 1) WHERE cas_id = $1',
        [casIdOf(hashes)],
      );
      expect([await read(gone), await read(hashes), await read(sound)]).toEqual([
        'refused',
        'refused',
        'right',
      ]);
      expect(blobs.corrupt.slice(-2)).toEqual([casIdOf(gone), casIdOf(hashes)]);
    });

  it('that leave their place while they are read are not taken for corrupted', async () => {
    if (place === 'row') return;
    const bytes = await put(LARGE_BYTES);
    const cas_id = casIdOf(bytes);
    const open = await blobs.store.blobs.open(PROJECT_ID, cas_id);
    const noted = blobs.corrupt.length;
    const key = await blobs.keyOf(cas_id);
    await blobs.database.pool.query(
      'UPDATE cas_blob SET storage_url = NULL, slice_hashes = NULL, collected_at = now() WHERE cas_id = $1',
      [cas_id],
    );
    await blobs.objects.store.delete(key);
    await expect(open.read().next()).rejects.toMatchObject({ code: 'blob_collected' });
    expect(blobs.corrupt).toHaveLength(noted);
  });
});
