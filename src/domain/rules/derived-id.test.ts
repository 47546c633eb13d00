import { validate, version } from 'uuid';
import { derivedId } from './derived-id.ts';

test('is a UUID of version 8, the same for the same parts', () => {
  const id = derivedId('firing', 'a');
  expect([validate(id), version(id)]).toEqual([true, 8]);
  expect(derivedId('firing', 'a')).toBe(id);
});

test('tells parts apart however they are joined', () => {
  const ids = [
    derivedId('a', 'bc'),
    derivedId('ab', 'c'),
    derivedId('abc'),
    derivedId('a', 'b', 'c'),
    derivedId(),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});
