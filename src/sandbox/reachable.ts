import { chmodSync, copyFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Whether the user that a program runs as can get to this path. Root hands every run to a uid of its own, and
 * bubblewrap then follows the path as that user; a normal user's runs see what that user sees.
 */
export function isReachable(path: string, uid = process.getuid?.()): boolean {
  if (uid !== 0) return true;
  if ((statSync(path).mode & 0o005) !== 0o005) return false;
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & 0o001) === 0) return false;
    if (directory === dirname(directory)) return true;
  }
}

/** Copies a program to where others may read it, once; answers the path of the copy. */
export function publicCopy(path: string, cache_dir: string, name: string): string {
  const directory = join(cache_dir, 'runtime');
  const copy = join(directory, name);
  if (statSync(copy, { throwIfNoEntry: false })?.size === statSync(path).size) return copy;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const unfinished = `${copy}.${process.pid}`;
  copyFileSync(path, unfinished);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, copy);
  return copy;
}
