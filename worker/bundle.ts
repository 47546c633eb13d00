import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type BundlerPlugin } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Everything a workflow bundle may be made of: what workflows may import, how it is made, and the locked packages. */
const SOURCES = ['workflows', 'src/contract', 'src/language', 'worker'];
const LOCK = 'node_modules/.package-lock.json';

export interface WorkflowBundle {
  codePath: string;
  /** Of everything it is made of. */
  hash: string;
}

/**
 * The workflow code as one file, with the interceptors the plugins add to it. Bundling takes seconds, so the result is
 * kept under the hash of its sources; a changed source is another file, never a stale one.
 */
export async function workflowBundle(cache_dir: string, plugins: BundlerPlugin[]): Promise<WorkflowBundle> {
  const names = plugins.map((plugin) => `-${plugin.name}`).join('');
  const hash = await sourceHash();
  const codePath = path.join(cache_dir, `workflows-${hash}${names}.js`);
  if (await isThere(codePath)) return { codePath, hash };
  const workflowsPath = sibling('../workflows/index');
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    plugins,
    // Evaluated once for all runs instead of once per run; it keeps nothing but caches of pure results.
    preloadModules: [sibling('../src/language/expression')],
    logger: quiet,
  });
  await mkdir(cache_dir, { recursive: true });
  // Renamed into place: two workers that start at once write the same bytes.
  const draft = `${codePath}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, codePath);
  return { codePath, hash };
}

/** A module of ours: a source, or its build where we are one ourselves. */
function sibling(module: string): string {
  return fileURLToPath(new URL(`${module}${path.extname(import.meta.url)}`, import.meta.url));
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of SOURCES) {
    const files = (await readdir(path.join(ROOT, folder), { recursive: true }))
      .filter((f) => /\.[jt]s$/.test(f))
      .sort();
    for (const file of files) hash.update(file).update(await readFile(path.join(ROOT, folder, file)));
  }
  hash.update(await readFile(path.join(ROOT, LOCK)).catch(() => ''));
  return hash.digest('hex').slice(0, 24);
}

async function isThere(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  );
}

const silent = () => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
