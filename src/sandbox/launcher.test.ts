import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { launcherScript, quote, type LauncherOptions } from './launcher.ts';
import { resolveLimits } from './limits.ts';

const options: LauncherOptions = {
  program: {
    file: 'main.sh',
    source: Buffer.from(''),
    argv: ['/bin/true'],
    memory_limit: { of: 'address_space', bytes: 1e9 },
    env: {},
  },
  limits: resolveLimits(),
  env: {},
  work: '/work',
  has_files: false,
  tar: '/bin/tar',
  namespaced: true,
  other_tasks: 0,
};

it('quotes anything for a shell', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('\0')),
      (text) => {
        expect(execFileSync('/bin/sh', ['-c', `printf %s ${quote(text)}`]).toString()).toBe(text);
      },
    ),
    { numRuns: 30 },
  );
});

it('is a script that the shell understands', () => {
  const tricky = { ...options, has_files: true, env: { A: `'"$(touch /never)` } };
  for (const script of [options, tricky, { ...options, namespaced: false }].map(launcherScript)) {
    expect(() => execFileSync('/bin/sh', ['-n'], { input: script })).not.toThrow();
  }
});

it('signals everybody only where it is process 1, and checks that first', () => {
  const script = launcherScript(options);
  expect(script.split('\n')[0]).toBe('[ $$ -eq 1 ] || exit 125');
  expect(script).toContain('kill -s KILL -- -1');
  expect(launcherScript({ ...options, namespaced: false })).not.toMatch(/kill .*-1/);
});
