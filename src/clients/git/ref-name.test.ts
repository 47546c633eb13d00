import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { isCommitId, refRefusal } from './ref-name.ts';

const GOOD = ['HEAD', 'main', 'feature/x-1', 'refs/heads/main', 'v1.0.0', 'refs/pull/12/head', 'grün', 'a@b'];
const BAD = [
  '',
  '-',
  '--upload-pack=touch /tmp/x',
  '-u',
  'a b',
  'a..b',
  'a...b',
  'HEAD~1',
  'HEAD^',
  'a:b',
  '+main:main',
  'main:refs/heads/x',
  'x?',
  'refs/*',
  'a[b',
  'a\\b',
  'a\nb',
  'a\0b',
  'a\u007fb',
  '@',
  'x@{1}',
  '/a',
  'a/',
  'a//b',
  '.a',
  'a/.b',
  'a.',
  'a.lock',
  'a.lock/b',
  '\ud800',
  'x'.repeat(251),
];

test.each(GOOD)('%j is a ref', (ref) => expect(refRefusal(ref)).toBeNull());
test.each(BAD)('%j is refused', (ref) => expect(refRefusal(ref)).not.toBeNull());

test('whatever passes here passes git itself', () => {
  const text = fc.string({
    unit: fc.constantFrom(...'ab/.@{}~^:?*[\\- +\u007fé'),
    minLength: 1,
    maxLength: 8,
  });
  const git = (ref: string) => {
    try {
      return void execFileSync('git', ['check-ref-format', '--allow-onelevel', ref], { stdio: 'ignore' });
    } catch (error) {
      return (error as Error).message;
    }
  };
  fc.assert(
    fc.property(text, (ref) => {
      // What git accepts and we refuse is only what an option looks like.
      const expected = git(ref) === undefined && !ref.startsWith('-');
      expect([ref, refRefusal(ref) === null]).toEqual([ref, expected]);
    }),
    { numRuns: 150 },
  );
});

test('only a full id of lower case hex is a commit id', () => {
  const ids = ['a'.repeat(40), '0'.repeat(64), 'a'.repeat(39), 'A'.repeat(40), `${'a'.repeat(40)}\n`, 'main'];
  expect(ids.map(isCommitId)).toEqual([true, true, false, false, false, false]);
});
