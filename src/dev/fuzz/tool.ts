import { execFile, spawn } from 'node:child_process';
import { access, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = '4.32.5';
const PYTHON = 'python3';
const OLDEST_MINOR = 10;

/** What the user can mend. */
export class FuzzError extends Error {}

/** The path of schemathesis, which is installed in a virtual environment in the cache at the first use. */
export async function installedTool(cache_dir: string, say: (line: string) => void): Promise<string> {
  const directory = path.join(cache_dir, `schemathesis-${VERSION}`);
  const program = path.join(directory, 'bin', 'schemathesis');
  if (await isThere(program)) return program;
  await requirePython();
  say(`Installing schemathesis ${VERSION} from your Python package index into ${directory} (once).`);
  try {
    await run(PYTHON, ['-m', 'venv', directory]);
    await run(path.join(directory, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${VERSION}`]);
  } catch (error) {
    // Half an installation must not pass for one the next time.
    await rm(directory, { recursive: true, force: true });
    throw new FuzzError(`schemathesis could not be installed: ${(error as Error).message}`, { cause: error });
  }
  return program;
}

async function requirePython(): Promise<void> {
  const { stdout } = await run(PYTHON, ['--version']).catch(() => ({ stdout: '' }));
  const [major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number) ?? [];
  if (major === 3 && minor >= OLDEST_MINOR) return;
  const found = stdout.trim() === '' ? 'there is none' : `there is ${stdout.trim()}`;
  throw new FuzzError(
    `The fuzzer is a Python program and needs ${PYTHON} 3.${OLDEST_MINOR} or newer; ${found}. ` +
      'The tests in test/e2e/attacks fuzz every route without it.',
  );
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** Runs the tool on our terminal; answers its exit status. */
export function runTool(program: string, args: readonly string[], cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
