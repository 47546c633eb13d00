import { AppError } from '../contract/errors.ts';
import { agePlaceAt, agePlaceOf, decodeCursor, encodeCursor } from './cursor.ts';
import { rowNumber, rowText, uuid } from './schemas/conventions.ts';

const ID = '01900000-0000-7000-8000-00000000000a';
const shape = { name: rowText, seq: rowNumber, target_id: uuid.nullable() };

const NO_CURSOR = ['validation_failed', [{ path: '/query/cursor', message: 'is not a cursor of this list' }]];

const problemOf = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return error instanceof AppError ? [error.code, error.data.errors] : error;
  }
};

it('a cursor gives back what it was made of', () => {
  const place = { name: 'päron', seq: 7, target_id: null };
  expect(decodeCursor(encodeCursor(place), shape)).toEqual(place);
  expect(decodeCursor(undefined, shape)).toBeUndefined();
  const row = { created_at: new Date('2026-02-03T04:05:06.789Z'), id: ID };
  expect(agePlaceAt(encodeCursor(agePlaceOf(row)))).toEqual(row);
});

it.each<[string, string]>([
  ['no base64', '\u0000\u0001'],
  ['no JSON', Buffer.from('{').toString('base64url')],
  ['a text', Buffer.from('"name"').toString('base64url')],
  ['null', Buffer.from('null').toString('base64url')],
  ['another list’s', encodeCursor({ created_at: '2026-01-01T00:00:00Z', id: ID })],
  ['a text that no column takes', encodeCursor({ name: 'a\0', seq: 1, target_id: ID })],
  ['a number that no column holds', encodeCursor({ name: 'a', seq: 2 ** 31, target_id: ID })],
  ['a number below all columns', encodeCursor({ name: 'a', seq: -(2 ** 32), target_id: ID })],
  ['a part of a number', encodeCursor({ name: 'a', seq: 0.5, target_id: ID })],
  ['no id', encodeCursor({ name: 'a', seq: 1, target_id: '' })],
])('%s is not a cursor of this list', (_, cursor) => {
  expect(problemOf(() => decodeCursor(cursor, shape))).toEqual(NO_CURSOR);
});

it.each(['', 'yesterday', '2026-99-99T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59-14:00', 5])(
  'there is no place in a list by age at %j',
  (created_at) => {
    expect(problemOf(() => agePlaceAt(encodeCursor({ created_at, id: ID })))).toEqual(NO_CURSOR);
  },
);
