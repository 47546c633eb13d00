import { spawn } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { CodeLanguage } from '../../contract/sandbox.ts';
import { findRuntimes, type Runtimes } from '../../sandbox/runtimes.ts';
import { createSandbox } from '../../sandbox/sandbox.ts';
import { driveLoad } from './load.ts';
import type { Measure } from './measure.ts';
import { alternate } from './pairs.ts';
import { comparedRow, type Row } from './rows.ts';

/** The same program in the sandbox and as a bare process: it prints one line. */
const PROGRAMS: readonly { language: CodeLanguage; source: string; flag: string }[] = [
  { language: 'bash', source: 'echo 42', flag: '-c' },
  { language: 'python', source: 'print(42)', flag: '-c' },
  { language: 'javascript', source: 'console.log(42)', flag: '-e' },
];

export const sandbox: Measure = async (bed, pace) => {
  const places = { cache_dir: path.join(bed.directory, 'sandbox'), search_path: process.env.PATH ?? '' };
  const box = await createSandbox({ environment: 'development', ...places });
  const runtimes = await findRuntimes(places);
  if (box.report.isolation !== 'namespaces')
    throw new Error(`No sandbox here: ${box.report.reason ?? 'unknown'}`);
  const turns = pace.quick ? 5 : 15;
  const one = { clients: 1, seconds: Infinity };
  const rows: Row[] = [];
  const details: Record<string, unknown> = {};
  for (const { language, source, flag } of PROGRAMS) {
    const interpreter = await interpreterOf(language, runtimes);
    const inside = async () => {
      const result = await box.run({ language, source });
      if (result.stdout !== '42\n' || result.exit_code !== 0)
        throw new Error(`${language}: ${JSON.stringify(result)}`);
    };
    const outside = () => runBare(interpreter, [flag, source]);
    const contest = (turns: number) => ({
      ours: () => driveLoad({ ...one, turns, once: inside }),
      reference: () => driveLoad({ ...one, turns, once: outside }),
    });
    await alternate(1, contest(2));
    const rounds = await alternate(pace.rounds, contest(turns));
    details[language] = rounds;
    const target = { of: 'difference', at_most: 10 } as const;
    rows.push(
      comparedRow(rounds, {
        name: `Sandboxed ${language}, p50`,
        unit: 'ms',
        figure: 'p50_ms',
        against: 'bare process',
        target,
      }),
    );
  }
  return { rows, details };
};

/** The very file that the sandbox starts; a version manager's script on the PATH would cost more than the interpreter. */
async function interpreterOf(language: CodeLanguage, runtimes: Runtimes): Promise<string> {
  const runtime = runtimes[language];
  if ('missing' in runtime) throw new Error(runtime.missing);
  if (language === 'javascript') return realpath(process.execPath);
  return realpath(runtime.executable);
}

function runBare(file: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) =>
      out === '42\n' ? resolve() : reject(new Error(`${file} ended with ${code}: ${out}`)),
    );
  });
}
