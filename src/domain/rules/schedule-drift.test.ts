import { driftOf, fingerprintOf } from './schedule-drift.ts';

const given = { shape: 'as given' };
const other = { shape: 'as somebody made it' };
const row = { wanted: true, revision: 2, applied_revision: 2, fingerprint: fingerprintOf(given) };

test.each([
  ['what it was given', row, given, null],
  ['nothing', row, undefined, 'missing'],
  ['something else', row, other, 'changed'],
  ['what is wanted no longer', { ...row, revision: 3 }, given, 'changed'],
  ['nothing yet', { ...row, applied_revision: 0, fingerprint: null }, undefined, 'missing'],
  ['one nobody wants', { ...row, wanted: false, revision: 3 }, given, 'extra'],
  ['none where none is wanted', { ...row, wanted: false, revision: 3 }, undefined, null],
])('Temporal has %s', (_, wanted, seen, drift) => {
  expect(driftOf(wanted, seen)).toBe(drift);
});
