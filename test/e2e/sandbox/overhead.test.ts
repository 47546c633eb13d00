import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSandbox } from './open.ts';

const { report, run } = await openSandbox();
const ROUNDS = 25;
const TARGET_MS = 10;
/** With more processes than cores, time measures the queue and not the work; the bound is then only a sanity check. */
const BUSY_TARGET_MS = 150;

const directory = mkdtempSync(join(tmpdir(), 'sandbox-overhead-'));
afterAll(() => rmSync(directory, { recursive: true }));

function raw(file: string, ...argv: string[]): Promise<number> {
  const started = performance.now();
  return new Promise((done) => {
    spawn(file, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: {} }).once('close', () =>
      done(performance.now() - started),
    );
  });
}

async function sandboxed(language: 'javascript' | 'python' | 'bash'): Promise<number> {
  const started = performance.now();
  expect((await run({ language, source: '' })).cause).toBe('exited');
  return performance.now() - started;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

(report.isolation === 'namespaces' ? it : it.skip)(
  'costs a few milliseconds over a plain process',
  async () => {
    const empty = join(directory, 'empty');
    writeFileSync(empty, '');
    const commands = {
      javascript: [process.execPath, empty],
      python: ['/usr/bin/python3', '-I', empty],
      bash: ['/bin/bash', empty],
    } as const;
    const busy = (loadavg()[0] ?? 0) > availableParallelism();
    for (const language of ['bash', 'python', 'javascript'] as const) {
      const differences: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const [file, ...argv] = commands[language];
        // In pairs, so that a slow moment of the machine meets both.
        const plain = await raw(file, ...argv);
        differences.push((await sandboxed(language)) - plain);
      }
      const overhead = median(differences);
      console.log(
        `${language}: ${overhead.toFixed(1)} ms over a plain process${busy ? ' (busy machine)' : ''}`,
      );
      expect(overhead).toBeLessThan(busy ? BUSY_TARGET_MS : TARGET_MS);
    }
  },
);
