import { readFile } from 'node:fs/promises';

interface LockEntry {
  resolved?: string;
  os?: string[];
  optional?: boolean;
}

/**
 * What is wrong with a lock file, one sentence each. npm silently leaves out the packages of platforms
 * that lag behind, and `npm ci` then fails there; and addresses in the lock bind everyone to the
 * registry of whoever wrote it.
 */
export async function lockProblems(file: string): Promise<string[]> {
  const lock = JSON.parse(await readFile(file, 'utf8')) as { packages?: Record<string, LockEntry> };
  const entries = Object.entries(lock.packages ?? {});
  const problems = ['darwin', 'win32', 'linux']
    .filter((platform) => !entries.some(([, entry]) => entry.os?.includes(platform)))
    .map((platform) => `package-lock.json has no package for ${platform}: npm ci would fail there.`);
  const addresses = entries.filter(([, entry]) => /^https?:/.test(entry.resolved ?? ''));
  if (addresses.length > 0) {
    problems.push(
      `package-lock.json carries ${addresses.length} resolved addresses (first: ${addresses[0]?.[0]}). ` +
        'Remove them: npm config set omit-lockfile-registry-resolved true, then npm install.',
    );
  }
  return problems;
}
