import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['src', 'workflows', 'activities', 'worker', 'test'];
/** What compiled modules look for beside `dist/`. */
const BESIDE = ['node_modules', 'migrations', 'proto', 'package.json'];

let made: Promise<string> | undefined;

/**
 * The file that a module (`src/main`, `worker/main`, `test/…`) compiles to. Processes start in half the time from it, as production does;
 * the first that asks compiles everything, which takes about a second, and global-teardown removes it.
 */
export async function compiled(module: string): Promise<string> {
  return path.join(await (made ??= compileOnce()), 'dist', `${module}.js`);
}

async function compileOnce(): Promise<string> {
  const directory = process.env.ORCHESTRATOR_TEST_BUILD;
  if (!directory) throw new Error('ORCHESTRATOR_TEST_BUILD is not set: run the tests with "npm test"');
  if (await isThere(directory)) return directory;
  const draft = `${directory}.${process.pid}`;
  await compileTo(path.join(draft, 'dist'));
  for (const name of BESIDE) await symlink(path.join(ROOT, name), path.join(draft, name));
  // Renamed into place: another jest worker may do the same, and what is there first stays.
  await rename(draft, directory).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!(await isThere(directory))) throw error;
  });
  return directory;
}

async function compileTo(outdir: string): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: (await Promise.all(SOURCES.map(modulesIn))).flat(),
    outbase: ROOT,
    outdir,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    sourcesContent: false,
    write: false,
  });
  const folders = new Set(outputFiles.map((file) => path.dirname(file.path)));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  await Promise.all(outputFiles.map((file) => writeFile(file.path, namingCompiled(file.text))));
}

async function modulesIn(folder: string): Promise<string[]> {
  const files = await readdir(path.join(ROOT, folder), { recursive: true });
  return files.filter((file) => /(?<!\.test)\.ts$/.test(file)).map((file) => path.join(folder, file));
}

/** Imports name the files that were compiled: `./a.ts` is `./a.js` now. */
const namingCompiled = (code: string): string =>
  code.replace(/(\bfrom |\bimport |\bimport\()"(\.[^"\n]*)\.ts"/g, '$1"$2.js"');

const isThere = (directory: string): Promise<boolean> =>
  readdir(directory).then(
    () => true,
    () => false,
  );
