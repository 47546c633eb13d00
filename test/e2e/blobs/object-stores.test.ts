import { randomBytes, randomUUID } from 'node:crypto';
import { ObjectMissing, SLICE_BYTES, type ByteRange } from '../../../src/contract/object-store.ts';
import { slicesOf } from '../../../src/domain/rules/slices.ts';
import { type Database, openDatabase } from '../../../src/persistence/db.ts';
import { type TestDatabase, testDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { STORE_KINDS, type TestObjects, testObjects } from '../../support/object-stores.ts';

let test_database: TestDatabase;
let database: Database;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 4 });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

const newKey = () => `${randomBytes(32).toString('hex')}/${randomUUID()}`;

// eslint-disable-next-line @typescript-eslint/require-await
async function* of(...pieces: Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

describe.each(STORE_KINDS)('the object store %s', (kind) => {
  let objects: TestObjects;

  beforeAll(async () => {
    objects = await testObjects(kind, database);
  });
  afterAll(() => objects?.remove());

  const put = (key: string, bytes: Buffer) => objects.store.put(key, bytes.length, of(...slicesOf(bytes)));
  const all = async <T>(items: AsyncIterable<T>) => {
    const found: T[] = [];
    for await (const item of items) found.push(item);
    return found;
  };
  const read = async (key: string, range: ByteRange) =>
    Buffer.concat(await all(objects.store.read(key, range)));

  it.each([1, SLICE_BYTES, SLICE_BYTES + 1, 5 * SLICE_BYTES + 77])('gives back %i bytes', async (size) => {
    const [key, bytes] = [newKey(), randomBytes(size)];
    await put(key, bytes);
    expect((await read(key, { start: 0, end: size })).equals(bytes)).toBe(true);
  });

  it('gives back any range', async () => {
    const [key, bytes] = [newKey(), randomBytes(9 * SLICE_BYTES + 5)];
    await put(key, bytes);
    for (const [start, end] of [
      [0, 2],
      [SLICE_BYTES - 1, SLICE_BYTES + 1],
      [4 * SLICE_BYTES, 8 * SLICE_BYTES],
      [3, bytes.length - 3],
      [bytes.length - 1, bytes.length],
    ] as const)
      expect((await read(key, { start, end })).equals(bytes.subarray(start, end))).toBe(true);
  });

  it('says so when an object, or the end of one, is not there', async () => {
    const key = newKey();
    await expect(read(key, { start: 0, end: 10 })).rejects.toThrow(ObjectMissing);
    await put(key, randomBytes(SLICE_BYTES));
    for (const start of [SLICE_BYTES, SLICE_BYTES - 1])
      await expect(read(key, { start, end: SLICE_BYTES + 9 })).rejects.toThrow(ObjectMissing);
  });

  it('deletes, and deletes what is not there', async () => {
    const [key, other] = [newKey(), newKey()];
    await put(key, randomBytes(100));
    await put(other, randomBytes(100));
    await objects.store.delete(key);
    await objects.store.delete(key);
    await expect(read(key, { start: 0, end: 100 })).rejects.toThrow(ObjectMissing);
    expect(await read(other, { start: 0, end: 100 })).toHaveLength(100);
  });

  it('lists the keys of what it has', async () => {
    const keys = [newKey(), newKey(), newKey()];
    for (const key of keys) await put(key, randomBytes(SLICE_BYTES + 1));
    await objects.store.delete(keys[1]!);
    const listed = await all(objects.store.list());
    expect(keys.map((key) => listed.filter((other) => other === key).length)).toEqual([1, 0, 1]);
  });

  it('says why when the source fails, and keeps nothing that a delete would not remove', async () => {
    const key = newKey();
    const failure = new Error('the source is gone');
    const failing = async function* () {
      yield randomBytes(SLICE_BYTES);
      yield* of(randomBytes(SLICE_BYTES));
      throw failure;
    };
    await expect(objects.store.put(key, 3 * SLICE_BYTES, failing())).rejects.toBe(failure);
    // Some S3 servers keep what came of a request that was cut, and only after they noticed.
    await eventually(async () => {
      await objects.store.delete(key);
      return !(await all(objects.store.list())).includes(key);
    });
    await expect(read(key, { start: 0, end: 1 })).rejects.toThrow(ObjectMissing);
    // The store is as good as before.
    await put(key, randomBytes(10));
    expect(await read(key, { start: 0, end: 10 })).toHaveLength(10);
  });

  it('ends a source it is done with, and a reading that is broken off', async () => {
    const key = newKey();
    let ended = 0;
    const source = async function* () {
      try {
        yield* of(...slicesOf(randomBytes(8 * SLICE_BYTES)));
      } finally {
        ended += 1;
      }
    };
    await objects.store.put(key, 8 * SLICE_BYTES, source());
    expect(ended).toBe(1);
    for await (const piece of objects.store.read(key, { start: 0, end: 8 * SLICE_BYTES })) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(await read(key, { start: 0, end: 8 * SLICE_BYTES })).toHaveLength(8 * SLICE_BYTES);
  });

  it('takes many objects at once', async () => {
    const made = Array.from({ length: 12 }, (_, i) => ({
      key: newKey(),
      bytes: randomBytes(i * 100_000 + 1),
    }));
    await Promise.all(made.map(({ key, bytes }) => put(key, bytes)));
    const same = await Promise.all(
      made.map(async ({ key, bytes }) => (await read(key, { start: 0, end: bytes.length })).equals(bytes)),
    );
    expect(same).toEqual(made.map(() => true));
  });

  it('takes no key that is none of ours', async () => {
    const bad = '../../etc/passwd';
    if (kind !== 's3') await expect(read(bad, { start: 0, end: 1 })).rejects.toThrow(TypeError);
    if (kind === 'directory') await expect(put(bad, randomBytes(1))).rejects.toThrow(TypeError);
  });
});

it('answers object_store_unavailable when the S3 server is away', async () => {
  const objects = await testObjects('s3', database);
  const key = newKey();
  await objects.store.put(key, 10, of(randomBytes(10)));
  const read = async () => {
    for await (const piece of objects.store.read(key, { start: 0, end: 10 })) return piece.length;
    return 0;
  };
  expect(await read()).toBe(10);
  await objects.s3!.stop();
  for (const attempt of [
    read,
    () => objects.store.put(newKey(), SLICE_BYTES, of(randomBytes(SLICE_BYTES))),
    () => objects.store.delete(key),
    () => objects.store.list()[Symbol.asyncIterator]().next(),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: 'object_store_unavailable' });
  await objects.remove();
});
