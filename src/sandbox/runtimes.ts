import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { CodeLanguage } from '../contract/sandbox.ts';
import { findProgram } from './find-program.ts';
import { isReachable, publicCopy } from './reachable.ts';
import { findGo, GO_ENV, goCache, goVersion } from './go-cache.ts';

/** How one language is started, and what of the host it needs to see. */
export interface Runtime {
  executable: string;
  /** Host paths to be seen read-only, beyond the system directories: host path → path inside. */
  mounts: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  version?: string;
}

export type RuntimeFound = Runtime | { missing: string };
export type Runtimes = Readonly<Record<CodeLanguage, RuntimeFound>>;

const SYSTEM_DIRECTORIES = ['/usr/', '/bin/', '/lib/', '/lib64/'];
const run = promisify(execFile);

export interface RuntimeSearch {
  cache_dir: string;
  /** Directories, as in PATH, for what is not in the system directories. */
  search_path: string;
}

/** Finds the interpreter of every language on this host. */
export async function findRuntimes({ cache_dir, search_path }: RuntimeSearch): Promise<Runtimes> {
  const node = nodeRuntime(cache_dir);
  const [python, go] = await Promise.all([pythonRuntime(search_path), goRuntime(cache_dir)]);
  return { javascript: node, typescript: node, python, bash: bashRuntime(), go };
}

function nodeRuntime(cache_dir: string): RuntimeFound {
  const path = realpathSync(process.execPath);
  const version = process.versions.node;
  if (isSystemPath(path)) return { executable: path, mounts: {}, version };
  const readable = isReachable(path) ? path : publicCopy(path, cache_dir, `node-${version}`);
  if (!isReachable(readable)) return { missing: `node and ${cache_dir} ${CLOSED}` };
  // Where node lives in somebody's home, the sandbox sees the one file and no name of its way there.
  return { executable: '/runtime/node', mounts: { [readable]: '/runtime/node' }, version };
}

const CLOSED = 'lie in a directory that the users of the sandbox may not enter';

function bashRuntime(): RuntimeFound {
  const executable = findProgram('bash');
  return executable ? { executable, mounts: {} } : { missing: 'bash is not installed' };
}

async function pythonRuntime(search_path: string): Promise<RuntimeFound> {
  const system = findProgram('python3');
  if (system && isSystemPath(realpathSync(system))) return { executable: system, mounts: {} };
  const other = findProgram('python3', search_path.split(':').filter(Boolean));
  if (!other) return { missing: 'python3 is not installed' };
  try {
    // A version manager puts a script of that name on the path, so the interpreter itself is asked.
    const question =
      'import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))';
    const { stdout } = await run(other, ['-I', '-c', question], { timeout: 5_000 });
    const [executable = '', prefix = ''] = stdout.trim().split('\n');
    if (!isReachable(prefix)) return { missing: `python3 and its library ${CLOSED}` };
    return { executable, mounts: isSystemPath(executable) ? {} : { [prefix]: prefix } };
  } catch {
    return { missing: 'the python3 on the path does not start' };
  }
}

async function goRuntime(cache_dir: string): Promise<RuntimeFound> {
  const go = findGo();
  if (!go) return { missing: 'go is not installed' };
  const root = dirname(dirname(realpathSync(go)));
  const version = goVersion(root);
  const cache = await goCache(cache_dir, version);
  if (!cache) return { missing: 'the go build cache is not warm; `npm run warm-go` does that once' };
  if (!isReachable(cache) || !isReachable(root)) return { missing: `go or its build cache ${CLOSED}` };
  return {
    executable: join(root, 'bin/go'),
    mounts: { [cache]: '/gocache', ...(isSystemPath(root) ? {} : { [root]: root }) },
    env: { ...GO_ENV, GOROOT: root, GOCACHE: '/gocache', GOPATH: '/tmp/gopath' },
    version,
  };
}

function isSystemPath(path: string): boolean {
  return SYSTEM_DIRECTORIES.some((directory) => path.startsWith(directory));
}
