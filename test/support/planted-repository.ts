import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { plantedCommits } from '../fixtures/planted.ts';

const execute = promisify(execFile);

/** A git repository on disk with the history of the planted shop. */
export interface PlantedRepository {
  /** Which `repositories.local_roots` must allow. */
  root: string;
  directory: string;
  /** Commit ids by the names of the fixture's commits. */
  commits: Record<string, string>;
  /** Commits these files on the branch that is checked out; answers the id. */
  commit(message: string, files: Record<string, string>): Promise<string>;
}

/** `main` is at the second commit; the branch `coupons` goes on from there. */
export async function plantedRepository(): Promise<PlantedRepository> {
  const root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'orchestrator-planted-')));
  const directory = path.join(root, 'shop');
  await mkdir(directory);
  const git = async (...args: string[]) => (await execute('git', ['-C', directory, ...args])).stdout.trim();
  async function commit(message: string, files: Record<string, string>): Promise<string> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
      await writeFile(path.join(directory, name), text);
    }
    await git('add', '-A');
    const author = ['-c', 'user.name=Planter', '-c', 'user.email=planter@example.com'];
    await git(...author, 'commit', '-q', '-m', message);
    return git('rev-parse', 'HEAD');
  }
  await git('init', '-q', '-b', 'main');
  const commits: Record<string, string> = {};
  for (const [index, { name, files }] of (await plantedCommits()).entries()) {
    if (index === 2) await git('checkout', '-q', '-b', name);
    commits[name] = await commit(name, files);
  }
  await git('checkout', '-q', 'main');
  return { root, directory, commits, commit };
}
