import fc from 'fast-check';
import { comparePep440 } from '../../../src/clients/advisories/pep440.ts';
import { compareSemver } from '../../../src/clients/advisories/semver.ts';

/** The examples of semver.org §11 and of PEP 440, each list in order. */
const SEMVER = [
  '0.0.0-20180917221912-90fa682c2a6e',
  '0.0.0-20210917221912-90fa682c2a6e',
  '0.0.0',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.0.10',
  '1.2.0',
  '2.0.0-0',
  '2',
  '2.1',
  '11.0.0',
  '99999999999999999998.0.0',
  '99999999999999999999.0.0',
];
const PEP440 = [
  '1.dev0',
  '1.0.dev456',
  '1.0a1',
  '1.0a2.dev456',
  '1.0a12.dev456',
  '1.0a12',
  '1.0b1.dev456',
  '1.0b2',
  '1.0b2.post345.dev456',
  '1.0b2.post345',
  '1.0rc1.dev456',
  '1.0rc1',
  '1.0',
  '1.0+abc.5',
  '1.0+abc.7',
  '1.0+5',
  '1.0.post456.dev34',
  '1.0.post456',
  '1.0.15',
  '1.1.dev1',
  '2012.4',
  '1!1.0',
];

const number = fc.integer({ min: 0, max: 12 }).map(String);
const part = fc.constantFrom('alpha', 'beta', 'rc', '-', '0', '1', '10', 'x-1');
const semver = fc
  .tuple(number, number, number, fc.array(part, { maxLength: 3 }))
  .map(
    ([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre.length > 0 ? `-${pre.join('.')}` : ''}`,
  );
const suffix = (names: string[]) =>
  fc.option(fc.tuple(fc.constantFrom(...names), number), { nil: null }).map((one) => one?.join('') ?? '');
const pep440 = fc
  .tuple(
    fc.constantFrom('', '1!'),
    fc.array(number, { minLength: 1, maxLength: 3 }),
    suffix(['a', 'b', 'rc']),
    suffix(['.post']),
    suffix(['.dev']),
    fc.constantFrom('', '+a', '+1', '+a.1'),
  )
  .map(([epoch, release, ...rest]) => `${epoch}${release.join('.')}${rest.join('')}`);

describe.each([
  { name: 'semver', compare: compareSemver, ordered: SEMVER, any: semver },
  { name: 'PEP 440', compare: comparePep440, ordered: PEP440, any: pep440 },
])('$name', ({ compare, ordered, any }) => {
  const sign = (a: string, b: string) => Math.sign(compare(a, b)!);

  test('orders the examples of its document', () => {
    for (const [i, a] of ordered.entries())
      for (const [j, b] of ordered.entries()) expect([a, b, sign(a, b)]).toEqual([a, b, Math.sign(i - j)]);
  });

  test('is an order: of two the one or the other, and of three no circle', () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(sign(a, b)).toBe(-sign(b, a) + 0);
        expect(sign(a, a)).toBe(0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
        if (sign(a, b) === 0) expect(sign(a, c)).toBe(sign(b, c));
      }),
      { numRuns: 2_000 },
    );
  });

  test('says of other text that it is no version', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const order = compare(text, ordered[0]!);
        expect(order === undefined || /^\s*[vV]?\d/.test(text)).toBe(true);
      }),
    );
    for (const text of ['', 'latest', 'git+https://host/x', '1.x', '1..2', `1${'.1'.repeat(300)}`, '1.0-'])
      expect(compare(text, ordered[0]!)).toBeUndefined();
  });
});

test.each([
  ['1.0', '1.0.0'],
  ['1.0RC1', '1.0c1'],
  ['1.0-1', '1.0.post1'],
  ['v1.0.ALPHA', '1.0a0'],
  ['1.0+Ubuntu-1', '1.0+ubuntu.1'],
  ['1.0_rev2', '1.0r2'],
])('PEP 440 has two spellings of one version: %s and %s', (a, b) => {
  expect(comparePep440(a, b)).toBe(0);
});

test('semver leaves the build out', () => {
  expect(compareSemver('v1.2.3+incompatible', '1.2.3')).toBe(0);
});
