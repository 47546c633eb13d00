import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockProblems } from './check-lock.ts';

/** `npm run check`: every step of what CI asks besides the tests, one line each; all run, then the verdict. */
interface Step {
  name: string;
  run: () => Promise<{ passed: boolean; output: string }>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const STEPS: Step[] = [
  { name: 'types', run: () => tool('typescript', 'tsc', ['--noEmit', '-p', 'tsconfig.json']) },
  { name: 'lint', run: () => tool('eslint', 'eslint', ['.']) },
  { name: 'format', run: () => tool('prettier', 'prettier', ['--check', '--log-level', 'warn', '.']) },
  { name: 'lock file', run: lock },
];

let failures = 0;
for (const { name, run } of STEPS) {
  const began = Date.now();
  const { passed, output } = await run();
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!passed) console.log(output.trimEnd());
  if (!passed) failures += 1;
}
console.log(`check: ${STEPS.length - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

async function lock(): Promise<{ passed: boolean; output: string }> {
  const problems = await lockProblems(path.join(ROOT, 'package-lock.json'));
  return { passed: problems.length === 0, output: problems.join('\n') };
}

function tool(name: string, command: string, args: string[]): Promise<{ passed: boolean; output: string }> {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve(`${name}/package.json`);
  const { bin } = require(manifest) as { bin: string | Record<string, string> };
  const script = path.join(path.dirname(manifest), typeof bin === 'string' ? bin : (bin[command] ?? ''));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer) => (output += chunk.toString('utf8'));
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (status) => resolve({ passed: status === 0, output }));
  });
}
