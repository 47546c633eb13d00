import fc from 'fast-check';
import { hasRole, higherRole, ROLES } from '../../contract/roles.ts';
import { matchesPattern } from './tag-pattern.ts';
import { guardOf, isTagPattern } from './tag-rule.ts';

describe('a pattern', () => {
  it.each([
    ['*/production', ['checkout/production'], ['production', 'a/b/production', 'checkout/production2']],
    ['checkout/*', ['checkout/a', 'checkout/a.b'], ['checkout', 'checkout/a/b', 'other/a']],
    ['checkout/**', ['checkout', 'checkout/a', 'checkout/a/b'], ['checkout2', 'other/checkout']],
    ['**/production', ['production', 'a/production', 'a/b/production'], ['a/production/b', 'xproduction']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z', 'a/z/z'], ['a', 'z', 'a/b', 'b/z']],
    ['**', ['a', 'a/b/c'], []],
    ['*', ['a', 'a-b.c'], ['a/b']],
    ['release-*', ['release-', 'release-1.0'], ['release', 'x-release-1', 'release-1/x']],
    ['r*1*', ['r1', 'r21', 'r1.1.2'], ['r2', '1r']],
    ['a.c', ['a.c'], ['abc']],
  ])('%s means %j and not %j', (pattern, names, others) => {
    expect(names.filter((name) => !matchesPattern(pattern, name))).toEqual([]);
    expect(others.filter((name) => matchesPattern(pattern, name))).toEqual([]);
  });

  it('means what the regular expression for it does', () => {
    const letter = fc.constantFrom('a', 'b', '.');
    const text = (...more: string[]) =>
      fc.array(fc.oneof(letter, fc.constantFrom('a', ...more)), { minLength: 1, maxLength: 6 });
    const path = (segment: fc.Arbitrary<string>) =>
      fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('/'));
    const star_star = fc.constant('**');
    const one = text('*').map((letters) => letters.join('').replaceAll(/\*+/g, '*'));
    const patterns = path(fc.oneof({ weight: 3, arbitrary: one }, { weight: 1, arbitrary: star_star }));
    const names = path(text().map((letters) => letters.join('')));
    const seen = { yes: 0, no: 0 };
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        const expected = regularExpression(pattern).test(`/${name}`);
        seen[expected ? 'yes' : 'no']++;
        expect(matchesPattern(pattern, name)).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(200);
  });

  it('takes no longer for many stars', () => {
    const many = `${'a*'.repeat(99)}b`;
    expect(matchesPattern(many, 'a'.repeat(200))).toBe(false);
    const deep = Array.from({ length: 60 }, () => '**/a').join('/');
    expect(matchesPattern(`${deep}/b`, Array.from({ length: 100 }, () => 'a').join('/'))).toBe(false);
  });

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'a b',
    'a**',
    '**b',
    'a***',
    'ä',
    '[a]',
    'x'.repeat(201),
    `${'**/'.repeat(60)}!`,
  ])('is not %j', (text) => expect(isTagPattern(text)).toBe(false));

  it.each(['*', '**', 'a/*/b', '**/a', 'a*b*', 'x'.repeat(200)])('may be %j', (text) =>
    expect(isTagPattern(text)).toBe(true),
  );
});

/** Of a path that begins with a slash. */
function regularExpression(pattern: string): RegExp {
  const segments = pattern
    .split('/')
    .map((segment) =>
      segment === '**' ? '(/[^/]+)*' : `/${segment.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}`,
    );
  return new RegExp(`^${segments.join('')}$`);
}

describe('what guards a tag', () => {
  const rules = [
    { pattern: '*/production', role: 'operator', approvals: 2 },
    { pattern: 'checkout/**', role: 'maintainer', approvals: 1 },
  ] as const;

  it('is the most that its flag and the rules for its name ask for', () => {
    expect(guardOf('other/staging', false, rules)).toBeUndefined();
    expect(guardOf('other/staging', true, rules)).toEqual({ role: 'maintainer', approvals: 0 });
    expect(guardOf('other/production', false, rules)).toMatchObject({ role: 'operator', approvals: 2 });
    expect(guardOf('checkout/production', false, rules)).toEqual({ role: 'maintainer', approvals: 2 });
    expect(guardOf('other/production', true, rules)).toEqual({ role: 'maintainer', approvals: 2 });
  });
});

describe('roles', () => {
  it('are in one order', () => {
    ROLES.forEach((one, i) =>
      ROLES.forEach((other, j) => {
        expect(hasRole(one, other)).toBe(i >= j);
        expect(higherRole(one, other)).toBe(ROLES[Math.max(i, j)]);
      }),
    );
  });
});
