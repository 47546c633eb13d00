import { execFile } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram, SYSTEM_PATH } from './find-program.ts';

const run = promisify(execFile);
const CACHE = 'go-build';
const MARK = 'go-build.version';
const WARM_TIMEOUT_MS = 15 * 60_000;

/** The build settings that the cache is made with; a run with another value would miss it. */
export const GO_ENV: Readonly<Record<string, string>> = {
  CGO_ENABLED: '0',
  GOFLAGS: '',
  GOENV: 'off',
  GOTOOLCHAIN: 'local',
  GOPROXY: 'off',
  GOTELEMETRY: 'off',
};

/**
 * Builds Go's standard library once into `cache_dir`, so that a run takes a fraction of a second and not
 * several. Takes about a minute and 200 MB; never run by itself. Throws when go is missing or fails.
 */
export async function warmGoCache(cache_dir: string): Promise<void> {
  const go = findGo();
  if (!go) throw new Error('go is not installed');
  const cache = join(cache_dir, CACHE);
  await mkdir(cache, { recursive: true });
  await rm(join(cache_dir, MARK), { force: true });
  const env = {
    ...GO_ENV,
    GOCACHE: cache,
    GOPATH: join(cache_dir, 'gopath'),
    HOME: cache_dir,
    PATH: SYSTEM_PATH.join(':'),
  };
  await run(go, ['build', 'std'], { env, cwd: cache_dir, timeout: WARM_TIMEOUT_MS });
  // The sandbox reads it as another user.
  await makeReadable(cache);
  await writeFile(join(cache_dir, MARK), goVersion(dirname(dirname(realpathSync(go)))));
}

/** The directory of a warm cache for this version, or null. */
export async function goCache(cache_dir: string, version: string): Promise<string | null> {
  try {
    const made_with = await readFile(join(cache_dir, MARK), 'utf8');
    return made_with === version ? realpathSync(join(cache_dir, CACHE)) : null;
  } catch {
    return null;
  }
}

/** Finds the go command of this host, or null. */
export function findGo(): string | null {
  return findProgram('go', [...SYSTEM_PATH, '/usr/local/go/bin', '/usr/lib/go/bin']);
}

/** The version that a Go installation says of itself. */
export function goVersion(root: string): string {
  try {
    return (readFileSync(join(root, 'VERSION'), 'utf8').split('\n')[0] ?? '').replace(/^go/, '');
  } catch {
    return 'unknown';
  }
}

async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, 0o644);
  }
}
