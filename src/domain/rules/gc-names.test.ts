import fc from 'fast-check';
import { namesIn, namesInPieces } from './gc-names.ts';

const name = (digit: string) => `sha256:${digit.repeat(64)}`;

// eslint-disable-next-line @typescript-eslint/require-await
async function* cut(bytes: Buffer, at: readonly number[]) {
  let from = 0;
  for (const to of [...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

it('finds each name once, wherever it stands', () => {
  expect(namesIn(`{"a":"${name('b')}","${name('a')}":["x${name('b')}y"]}`)).toEqual([name('a'), name('b')]);
});

it.each(['', 'sha256:', name('a').slice(0, -1), name('A'), name('g'), 'sha512:'.concat('a'.repeat(64))])(
  'finds nothing in "%s"',
  (text) => expect(namesIn(text)).toEqual([]),
);

it('finds the same in pieces, however they are cut and whatever is around', async () => {
  const part = fc.oneof(
    fc.constantFrom(name('0'), name('1'), name('f'), 'sha256:', 'sha256:0'),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.array(fc.nat()), async (parts, cuts) => {
      const bytes = Buffer.concat([...parts.map((text) => Buffer.from(text)), Buffer.from([0xff, 0x00])]);
      expect(await namesInPieces(cut(bytes, cuts))).toEqual(namesIn(bytes.toString('latin1')));
    }),
  );
});
