import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { SLICE_BYTES } from '../../contract/object-store.ts';
import { inReusedSlices, inSlices, isSlice, sliceHash, slicesOf, touchedSlices } from './slices.ts';

const BYTES = randomBytes(5 * SLICE_BYTES);

// eslint-disable-next-line @typescript-eslint/require-await
async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of sizes) yield bytes.subarray(at, (at += size));
  yield bytes.subarray(at);
}

it.each([
  ['in new memory', inSlices],
  ['in reused memory', inReusedSlices],
])('cuts any pieces into slices %s: the same bytes, each slice whole but the last', async (_, cut) => {
  const size = fc.oneof(
    fc.nat({ max: 3 * SLICE_BYTES }),
    fc.constantFrom(0, 1, SLICE_BYTES, 2 * SLICE_BYTES),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: BYTES.length }),
      fc.array(size, { maxLength: 12 }),
      async (length, sizes) => {
        const bytes = BYTES.subarray(0, length);
        const slices: Buffer[] = [];
        for await (const slice of cut(pieces(bytes, sizes))) slices.push(Buffer.from(slice));
        expect(Buffer.concat(slices).equals(bytes)).toBe(true);
        expect(slices.map((slice) => slice.length)).toEqual(slicesOf(bytes).map((slice) => slice.length));
        for (const slice of slices.slice(0, -1)) expect(slice).toHaveLength(SLICE_BYTES);
        if (length > 0) expect(slices.at(-1)!.length).toBeGreaterThan(0);
      },
    ),
  );
});

it.each([inSlices, inReusedSlices])('ends what it reads from when it is ended', async (cut) => {
  let ended = false;
  const source = async function* () {
    try {
      yield* pieces(BYTES, [100, 200]);
    } finally {
      ended = true;
    }
  };
  for await (const slice of cut(source())) {
    expect(slice).toHaveLength(SLICE_BYTES);
    break;
  }
  expect(ended).toBe(true);
});

it('knows a slice by its hash and its place', () => {
  const slices = slicesOf(BYTES.subarray(0, 2 * SLICE_BYTES + 5));
  const hashes = Buffer.concat(slices.map(sliceHash));
  expect(slices.map((slice, i) => isSlice(hashes, i, slice))).toEqual([true, true, true]);
  expect(isSlice(hashes, 1, slices[0]!)).toBe(false);
  expect(isSlice(hashes, 2, slices[2]!.subarray(1))).toBe(false);
  // Beyond the end there is no hash that anything could have.
  expect(isSlice(hashes, 3, Buffer.alloc(0))).toBe(false);
});

it('names the whole slices that a range touches', () => {
  const size = 3 * SLICE_BYTES + 10;
  const touched = (start: number, end: number) => touchedSlices({ start, end }, size);
  expect(touched(0, 1)).toEqual({ start: 0, end: SLICE_BYTES });
  expect(touched(SLICE_BYTES, SLICE_BYTES + 1)).toEqual({ start: SLICE_BYTES, end: 2 * SLICE_BYTES });
  expect(touched(SLICE_BYTES - 1, SLICE_BYTES + 1)).toEqual({ start: 0, end: 2 * SLICE_BYTES });
  expect(touched(size - 1, size)).toEqual({ start: 3 * SLICE_BYTES, end: size });
  expect(touched(0, size)).toEqual({ start: 0, end: size });
});
