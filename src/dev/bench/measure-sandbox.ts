import { spawn } from 'node:child_process';
import path from 'node:path';
import type { CodeLanguage } from '../../contract/sandbox.ts';
import { createSandbox } from '../../sandbox/sandbox.ts';
import { driveLoad } from './load.ts';
import type { Measure } from './measure.ts';
import { alternate } from './pairs.ts';
import { comparedRow, type Row } from './rows.ts';

/** The same program in the sandbox and as a bare process: it prints one line. */
const PROGRAMS: readonly { language: CodeLanguage; source: string; bare: [file: string, flag: string] }[] = [
  { language: 'bash', source: 'echo 42', bare: ['bash', '-c'] },
  { language: 'python', source: 'print(42)', bare: ['python3', '-c'] },
  { language: 'javascript', source: 'console.log(42)', bare: [process.execPath, '-e'] },
];

export const sandbox: Measure = async (bed, pace) => {
  const box = await createSandbox({
    environment: 'development',
    cache_dir: path.join(bed.directory, 'sandbox'),
    search_path: process.env.PATH,
  });
  if (box.report.isolation !== 'namespaces') throw new Error(`No sandbox here: ${box.report.reason ?? 'unknown'}`);
  const turns = pace.quick ? 5 : 15;
  const one = { clients: 1, seconds: Infinity };
  const rows: Row[] = [];
  const details: Record<string, unknown> = {};
  for (const { language, source, bare } of PROGRAMS) {
    const inside = async () => {
      const result = await box.run({ language, source });
      if (result.stdout !== '42\n' || result.exit_code !== 0) throw new Error(`${language}: ${JSON.stringify(result)}`);
    };
    const outside = () => runBare(bare[0], [bare[1], source]);
    const contest = (turns: number) => ({
      ours: () => driveLoad({ ...one, turns, once: inside }),
      reference: () => driveLoad({ ...one, turns, once: outside }),
    });
    await alternate(1, contest(2));
    const rounds = await alternate(pace.rounds, contest(turns));
    details[language] = rounds;
    const target = { of: 'difference', at_most: 10 } as const;
    rows.push(comparedRow(rounds, { name: `Sandboxed ${language}, p50`, unit: 'ms', figure: 'p50_ms', against: 'bare process', target }));
  }
  return { rows, details };
};

function runBare(file: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => (out === '42\n' ? resolve() : reject(new Error(`${file} ended with ${code}: ${out}`))));
  });
}
