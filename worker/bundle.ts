import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type BundlerPlugin } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Everything a workflow bundle may be made of: what workflows may import, and the locked packages. */
const SOURCES = ['workflows', 'src/contract', 'src/language'];
const LOCK = 'node_modules/.package-lock.json';

/**
 * The workflow code as one file, with the interceptors the plugins add to it. Bundling takes seconds, so the result is kept under the hash of its sources; a
 * changed source is another file, never a stale one.
 */
export async function workflowBundle(
  cache_dir: string,
  plugins: BundlerPlugin[],
): Promise<{ codePath: string }> {
  const names = plugins.map((plugin) => `-${plugin.name}`).join('');
  const codePath = path.join(cache_dir, `workflows-${await sourceHash()}${names}.js`);
  if (await isThere(codePath)) return { codePath };
  const workflowsPath = fileURLToPath(
    new URL(`../workflows/index${path.extname(import.meta.url)}`, import.meta.url),
  );
  const { code } = await bundleWorkflowCode({ workflowsPath, plugins, logger: quiet });
  await mkdir(cache_dir, { recursive: true });
  // Renamed into place: two workers that start at once write the same bytes.
  const draft = `${codePath}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, codePath);
  return { codePath };
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
