import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_CHARS = 500;

/** The message of the last commit of some paths below `root`; undefined without git, or when they are not committed. */
export async function commitMessage(root: string, paths: readonly string[]): Promise<string | undefined> {
  try {
    if ((await git(root, ['status', '--porcelain', '--', ...paths])) !== '') return undefined;
    const message = await git(root, ['log', '-1', '--format=%B', '--', ...paths]);
    // Cutting in the middle of a character leaves half of it.
    return message.slice(0, MAX_CHARS).replace(/\p{Surrogate}$/u, '') || undefined;
  } catch {
    return undefined;
  }
}

async function git(root: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', root, ...args]);
  return stdout.trim();
}
