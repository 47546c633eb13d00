import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { TOKEN } from '../../../src/api/app-fixture.ts';
import { type ObjectStore, SLICE_BYTES } from '../../../src/contract/object-store.ts';
import { blobApi, type BlobApi, casIdOf } from '../../support/blob-api.ts';
import { eventually } from '../../support/eventually.ts';
import { STORE_KINDS } from '../../support/object-stores.ts';

/** More than the buffers of both ends of a connection hold. */
const SIZE = 64 * SLICE_BYTES;
const READERS = 12;

describe.each(STORE_KINDS)('whoever leaves or stops in the middle holds nothing in %s', (kind) => {
  let blobs: BlobApi;
  let reading = 0;
  let begun_readings = 0;
  const bytes = randomBytes(SIZE);

  const counted = (store: ObjectStore): ObjectStore => ({
    ...store,
    async *read(key, range) {
      reading += 1;
      begun_readings += 1;
      try {
        yield* store.read(key, range);
      } finally {
        reading -= 1;
      }
    },
  });

  beforeAll(async () => {
    blobs = await blobApi(kind, { wrap: counted, stall_ms: 3_000 });
    expect((await blobs.send('PUT', '/blobs', { body: bytes })).status).toBe(201);
  });
  afterAll(() => blobs?.close());

  /** Sends a request by hand; nothing is read unless somebody listens for `data`. */
  async function request(head: string): Promise<Socket> {
    const { hostname, port } = new URL(blobs.api.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(`${head} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n`);
    return socket;
  }
  const startReading = async () => {
    const socket = await request(`GET /api/v1/blobs/${casIdOf(bytes)}`);
    socket.write('\r\n');
    return socket;
  };
  const begun = (socket: Socket) => new Promise<void>((resolve) => socket.once('readable', () => resolve()));
  const busy = () => blobs.database.pool.totalCount - blobs.database.pool.idleCount;
  const health = async () => (await blobs.send('HEAD', `/blobs/${casIdOf(bytes)}`)).status;

  it('a reader that leaves', async () => {
    for (let i = 0; i < 5; i += 1) {
      const socket = await startReading();
      await begun(socket);
      socket.destroy();
    }
    await eventually(() => reading === 0 && busy() === 0);
    expect(blobs.api.failures).toEqual([]);
  });

  it('readers that stop reading, whose connections are cut after a while', async () => {
    begun_readings = 0;
    const sockets = await Promise.all(Array.from({ length: READERS }, startReading));
    await Promise.all(sockets.map(begun));
    // On a busy machine the first may have been cut before the last began.
    await eventually(() => begun_readings === READERS);
    // They wait; the database does not wait with them.
    await eventually(() => busy() === 0);
    expect(await health()).toBe(200);
    await eventually(() => reading === 0);
    expect(blobs.api.failures).toEqual([]);
    // What is left in the buffers is less than was announced: nobody takes it for the whole.
    const received = await Promise.all(
      sockets.map(async (socket) => {
        let size = 0;
        for await (const piece of socket) size += (piece as Buffer).length;
        return size;
      }),
    );
    for (const size of received) expect(size).toBeLessThan(SIZE);
  });

  it('an uploader that is slow, and leaves', async () => {
    const sockets = await Promise.all(
      Array.from({ length: READERS }, async () => {
        const socket = await request('PUT /api/v1/blobs');
        socket.write(`content-length: ${SIZE}\r\n\r\n`);
        socket.write(bytes.subarray(0, 5 * SLICE_BYTES));
        return socket;
      }),
    );
    await eventually(() => blobs.spooled() === READERS);
    expect(busy()).toBe(0);
    expect(await health()).toBe(200);
    expect(await readdir(blobs.spool_directory)).toEqual([]);
    for (const socket of sockets) socket.destroy();
    await eventually(() => blobs.spooled() === 0);
    expect((await blobs.database.pool.query('SELECT * FROM object_garbage')).rows).toEqual([]);
    expect((await blobs.database.pool.query('SELECT * FROM cas_blob')).rowCount).toBe(1);
  });

  it('an upload that is refused', async () => {
    const wrong = await blobs.send('PUT', `/blobs/${casIdOf(Buffer.from('other'))}`, { body: bytes });
    expect(wrong.status).toBe(422);
    await eventually(() => blobs.spooled() === 0 && busy() === 0);
  });
});
