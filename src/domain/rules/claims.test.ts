import { claimAt, textsOf } from './claims.ts';

const CLAIMS = {
  groups: ['a', 'b'],
  realm_access: { roles: ['c'] },
  'https://example.org/roles': ['d'],
  'realm.roles': 'e',
  realm: { roles: 'f' },
};

it.each<[string, unknown]>([
  ['groups', ['a', 'b']],
  ['realm_access.roles', ['c']],
  ['https://example.org/roles', ['d']],
  ['realm.roles', 'e'],
  ['missing', undefined],
  ['realm_access', { roles: ['c'] }],
  ['realm_access.missing.deeper', undefined],
  ['constructor', undefined],
  ['__proto__', undefined],
  ['realm_access.constructor.name', undefined],
])('the claim %j', (name, value) => {
  expect(claimAt(CLAIMS, name)).toEqual(value);
});

it.each<[unknown, string[]]>([
  [
    ['a', 'b'],
    ['a', 'b'],
  ],
  ['a', ['a']],
  ['a  b', ['a', 'b']],
  ['', []],
  [['a', 1, null, { b: 1 }], ['a']],
  [{ a: true }, []],
  [undefined, []],
  [1, []],
])('the texts of %j', (value, texts) => {
  expect(textsOf(value)).toEqual(texts);
});
