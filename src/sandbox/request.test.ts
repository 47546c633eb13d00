import { AppError } from '../contract/errors.ts';
import type { SandboxRequest } from '../contract/sandbox.ts';
import { resolveLimits } from './limits.ts';
import { checkRequest } from './request.ts';

const limits = resolveLimits();
const good: SandboxRequest = {
  language: 'bash',
  source: 'true',
  files: { 'a/b.txt': Buffer.from('') },
  args: ['a b'],
  env: { A_1: '$x' },
};

it('takes a good request', () => {
  expect(() => checkRequest(good, limits)).not.toThrow();
});

it.each<[string, Partial<SandboxRequest>, string]>([
  ['a file that climbs', { files: { '../a': Buffer.from('') } }, '/files/..~1a'],
  ['an absolute file', { files: { '/etc/a': Buffer.from('') } }, '/files/~1etc~1a'],
  ['a file in place of the program', { files: { 'main.sh': Buffer.from('') } }, '/files/main.sh'],
  ['a file in place of the outputs', { files: { out: Buffer.from('') } }, '/files/out'],
  [
    'files that fill the disk',
    { files: { a: Buffer.alloc(15e6), b: Buffer.alloc(15e6), c: Buffer.alloc(15e6) } },
    '/files',
  ],
  ['a NUL in an argument', { args: ['ok', 'a\0b'] }, '/args/1'],
  ['a NUL in the environment', { env: { A: 'a\0b' } }, '/env/A'],
  ['a name that is code', { env: { 'A; rm': 'x' } }, '/env/A; rm'],
  ['a library for the launcher', { env: { LD_PRELOAD: '/tmp/x.so' } }, '/env/LD_PRELOAD'],
  ['a module kind that means nothing', { module: 'esm' }, '/module'],
  ['a very long program', { source: 'x'.repeat(5e6) }, '/source'],
])('refuses %s', (_name, part, path) => {
  const problems = (): readonly { path: string }[] => {
    try {
      checkRequest({ ...good, ...part }, limits);
      return [];
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'validation_failed') throw error;
      return error.data.errors ?? [];
    }
  };
  expect(problems().map((problem) => problem.path)).toEqual([path]);
});
