import fc from 'fast-check';
import { byteRange } from './byte-range.ts';

it.each([
  ['bytes=0-0', 10, { start: 0, end: 1 }],
  ['bytes=2-', 10, { start: 2, end: 10 }],
  ['bytes=2-99', 10, { start: 2, end: 10 }],
  ['bytes=9-9', 10, { start: 9, end: 10 }],
  ['bytes=-3', 10, { start: 7, end: 10 }],
  ['bytes=-99', 10, { start: 0, end: 10 }],
  ['Bytes = 1-2', 10, 'whole'],
  ['BYTES=1-2', 10, { start: 1, end: 3 }],
  ['bytes= 1 - 2 ', 10, { start: 1, end: 3 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=10-12', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'whole'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
  [`bytes=0-${'9'.repeat(400)}`, 10, { start: 0, end: 10 }],
  ['bytes=5-4', 10, 'whole'],
  ['bytes=-', 10, 'whole'],
  ['bytes=', 10, 'whole'],
  ['bytes=1-2,4-5', 10, 'whole'],
  ['bytes=0x1-2', 10, 'whole'],
  ['bytes=--1', 10, 'whole'],
  ['lines=1-2', 10, 'whole'],
])('%s of %i bytes', (header, size, expected) => {
  expect(byteRange(header, size)).toEqual(expected);
});

it('never names a byte that is not there, whatever is asked', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat({ max: 30 }), (text, size) => {
      for (const header of [text, `bytes=${text}`]) {
        const range = byteRange(header, size);
        if (typeof range === 'string') continue;
        expect(range.start).toBeLessThan(range.end);
        expect(range.end).toBeLessThanOrEqual(size);
        expect(range.start).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
