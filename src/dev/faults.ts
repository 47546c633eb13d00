/**
 * `npm run faults [-- [--short] [--seed <n>] [scenario …]]`: the fault scenarios at their full length, one after the other.
 * A scenario is named as in docs/faults.md (`A4`), or by a part of its title. `--short` runs what the tests of every day run.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USAGE = 'usage: npm run faults [-- [--short] [--seed <number>] [scenario …]]';

const { values, positionals } = parsed();
const seed = values.seed ?? String(Date.now() % 1_000_000);
if (!/^\d+$/.test(seed)) fail(`--seed takes a number, not ${seed}.`);
console.log(`seed ${seed}${values.short ? ', short' : ''}`);

const scenarios = positionals.map((title) => ({ title, pattern: patternOf(title) }));
const results = path.join(await mkdtemp(path.join(tmpdir(), 'orchestrator-faults-')), 'results.json');
const jest = [
  'node_modules/jest/bin/jest.js',
  '--runInBand',
  '--verbose',
  '--json',
  `--outputFile=${results}`,
];
const only = scenarios.map(({ pattern }) => pattern).join('|');
const child = spawn(
  process.execPath,
  [
    ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...jest, 'test/faults'],
    ...(only === '' ? [] : ['--testNamePattern', only]),
  ],
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
child.once('exit', (status) => {
  process.exitCode = status ?? 1;
  void namesThatFit().finally(() => rm(path.dirname(results), { recursive: true }));
});

/** A scenario that none has the name of has not passed. */
async function namesThatFit(): Promise<void> {
  const text = await readFile(results, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const { testResults } = JSON.parse(text) as JestResults;
  const ran = testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ status, fullName }) => (status === 'pending' ? [] : fullName)),
  );
  for (const { title, pattern } of scenarios) {
    if (ran.some((name) => new RegExp(pattern).test(name))) continue;
    console.error(`No scenario is named ${title}: see docs/faults.md.`);
    process.exitCode = 1;
  }
}

interface JestResults {
  testResults: { assertionResults: { status: string; fullName: string }[] }[];
}

function patternOf(title: string): string {
  return `(^|\\W)${title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(\\W|$)`;
}

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
