import { mkdtempSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { leadsInside } from './link-target.ts';

const of = (links: Record<string, string>) => new Map(Object.entries(links));

test.each([
  ['a', { a: 'b' }, true],
  ['a/b', { 'a/b': '../c' }, true],
  ['a', { a: '.' }, true],
  ['a', { a: '..' }, false],
  ['a', { a: '/etc/passwd' }, false],
  ['a', { a: '' }, false],
  ['a/b', { 'a/b': '../../c' }, false],
  ['a', { a: 'x/../../c' }, false],
  ['m', { 'x/l': '..', m: 'x/l/..' }, false],
  ['m', { 'x/l': '..', m: 'x/l/y' }, true],
  ['m', { l: '/etc', m: 'l/passwd' }, false],
  ['a', { a: 'b', b: 'a' }, false],
])('the link %s of %j leads inside: %s', (link, links, inside) => {
  expect(leadsInside(link, of(links as Record<string, string>))).toBe(inside);
});

test('a link that passes never resolves to a place outside, whatever the other links are', () => {
  const part = fc.constantFrom('a', 'b', 'c', '..', '.', '');
  const target = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
  const links = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd/a', 'd/b', 'd/e/a'), target), {
    selector: ([name]) => name,
    maxLength: 6,
  });
  fc.assert(
    fc.property(links, (pairs) => {
      const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'links-')));
      try {
        const tree = path.join(root, 'tree');
        mkdirSync(path.join(tree, 'd/e'), { recursive: true });
        const map = new Map(pairs);
        const passed = pairs.filter(([name]) => leadsInside(name, map));
        for (const [name, to] of passed) symlinkSync(to, path.join(tree, name));
        for (const [name] of passed) {
          const real = realOrNull(path.join(tree, name));
          if (real !== null)
            expect([name, real === tree || real.startsWith(`${tree}/`)]).toEqual([name, true]);
        }
      } finally {
        rmSync(root, { recursive: true });
      }
    }),
    { numRuns: 300 },
  );
});

function realOrNull(place: string): string | null {
  try {
    return realpathSync(place);
  } catch {
    return null;
  }
}
