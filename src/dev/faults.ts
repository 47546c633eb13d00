/**
 * `npm run faults [-- [--short] [--seed <n>] [scenario …]]`: the fault scenarios at their full length, one after the other.
 * A scenario is named as in docs/faults.md (`A4`), or by a part of its title. `--short` runs what the tests of every day run.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USAGE = 'usage: npm run faults [-- [--short] [--seed <number>] [scenario …]]';

const { values, positionals } = parsed();
const seed = values.seed ?? String(Date.now() % 1_000_000);
if (!/^\d+$/.test(seed)) fail(`--seed takes a number, not ${seed}.`);
console.log(`seed ${seed}${values.short ? ', short' : ''}`);

const titles = positionals.map((title) => title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
const jest = ['node_modules/jest/bin/jest.js', '--runInBand', '--verbose', 'test/faults'];
const only = titles === '' ? [] : ['--testNamePattern', `(^|\\s)(${titles})(\\s|$)`];
const child = spawn(
  process.execPath,
  ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...jest, ...only],
  {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      ORCHESTRATOR_FAULTS: values.short ? 'short' : 'full',
      ORCHESTRATOR_FAULT_SEED: seed,
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.once('exit', (status) => (process.exitCode = status ?? 1));

function parsed() {
  try {
    const options = { short: { type: 'boolean' }, seed: { type: 'string' } } as const;
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return fail(`${(error as Error).message}\n${USAGE}`);
  }
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
