import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SLICE_BYTES } from '../../../src/contract/object-store.ts';
import { blobApi, type BlobApi, casIdOf, collect, OTHER_PROJECT_ID } from '../../support/blob-api.ts';
import { STORE_KINDS } from '../../support/object-stores.ts';

const SIZE = 2 * SLICE_BYTES + 9;

describe.each(STORE_KINDS)('uploads at once into %s', (kind) => {
  let blobs: BlobApi;

  beforeAll(async () => {
    blobs = await blobApi(kind);
  });
  afterAll(() => blobs?.close());

  const put = (bytes: Buffer, project_id?: string) =>
    blobs.send('PUT', '/blobs', { body: bytes, headers: project_id ? { 'x-project-id': project_id } : {} });
  /** A sweep or a collection may take an object away from an upload more often than that tries: then it says so. */
  const insist = async (bytes: Buffer, project_id?: string): Promise<number> => {
    for (;;) {
      const { status } = await put(bytes, project_id);
      if (status !== 503) return status;
    }
  };
  const readsRight = async (bytes: Buffer) => {
    const answer = await blobs.send('GET', `/blobs/${casIdOf(bytes)}`);
    return answer.status === 200 && Buffer.from(await answer.arrayBuffer()).equals(bytes);
  };
  /** Every object is the place of a blob, every place is an object, and nothing is noted as garbage. */
  async function expectTidy(): Promise<void> {
    const { rows } = await blobs.database.pool.query<{ storage_url: string }>(
      'SELECT storage_url FROM cas_blob WHERE storage_url IS NOT NULL',
    );
    const keys: string[] = [];
    for await (const key of blobs.objects.store.list()) keys.push(blobs.objects.store.prefix + key);
    expect(keys.sort()).toEqual(rows.map((row) => row.storage_url).sort());
    expect((await blobs.database.pool.query('SELECT * FROM object_garbage')).rows).toEqual([]);
  }

  it('of the same bytes leave one object, and each is answered', async () => {
    for (let round = 0; round < 10; round += 1) {
      const bytes = randomBytes(SIZE);
      const statuses = await Promise.all(
        Array.from({ length: 12 }, (_, i) => insist(bytes, i % 2 ? OTHER_PROJECT_ID : undefined)),
      );
      // One of each project is new, unless that answer was a 503: then the blob is there when it is sent again.
      expect(new Set(statuses)).toEqual(new Set([200, 201]));
      expect(await readsRight(bytes)).toBe(true);
    }
    // What an upload could not take back itself is noted for the sweep.
    await blobs.store.blobs.sweepGarbage(0);
    await expectTidy();
  });

  it('lose nothing to a sweep that spares nobody', async () => {
    const all = Array.from({ length: 30 }, () => randomBytes(SIZE));
    let running = true;
    const sweeping = (async () => {
      // Back to back, sweeps would leave hardly an upload the time to end.
      for (; running; await pause(50)) await blobs.store.blobs.sweepGarbage(0);
    })();
    const answers = await Promise.all(all.map((bytes) => insist(bytes)));
    running = false;
    await sweeping;
    expect(answers).toEqual(all.map(() => 201));
    for (const bytes of all) expect(await readsRight(bytes)).toBe(true);
    await blobs.store.blobs.sweepGarbage(0);
    await expectTidy();
  });

  it('and a collection of the same bytes leave them whole or gone; storing them again brings them back', async () => {
    const all = Array.from({ length: 10 }, () => randomBytes(SIZE));
    await Promise.all(all.map((bytes) => put(bytes)));
    await Promise.all(
      all.flatMap((bytes) => [
        collect(blobs, casIdOf(bytes)),
        insist(bytes).then((status) => expect([200, 201]).toContain(status)),
        insist(bytes, OTHER_PROJECT_ID).then((status) => expect([200, 201]).toContain(status)),
      ]),
    );
    for (const bytes of all) {
      const { status } = await blobs.send('HEAD', `/blobs/${casIdOf(bytes)}`);
      expect([200, 410]).toContain(status);
      if (status === 200) expect(await readsRight(bytes)).toBe(true);
      expect((await put(bytes)).status).toBe(200);
      expect(await readsRight(bytes)).toBe(true);
    }
    await blobs.store.blobs.sweepGarbage(0);
    await expectTidy();
  });
});
