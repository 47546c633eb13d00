/** Compiles the product to dist/ when its sources are others than those compiled last. Node's own modules only. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SOURCES = ['src', 'workflows', 'activities', 'worker'];
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
/** Types are the business of `npm run check`. */
const COMPILER = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck'];

/** True when dist/ is what the sources compile to. */
export function isBuilt(root) {
  return readOrNothing(stampOf(root)) === sourceHash(root);
}

/** `run` runs Node with arguments in `root` and answers its status. Throws when the compiler fails. */
export async function build(root, run) {
  const hash = sourceHash(root);
  const dist = path.join(root, 'dist');
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  const status = await run(COMPILER);
  if (status !== 0) throw new Error(`the compiler failed with status ${status}`);
  writeFileSync(stampOf(root), hash);
}

const stampOf = (root) => path.join(root, 'dist', '.sources');

function sourceHash(root) {
  const hash = createHash('sha256');
  const add = (file) => hash.update(`${file}\0`).update(readFileSync(path.join(root, file)));
  SETTINGS.forEach(add);
  for (const folder of SOURCES) {
    const files = readdirSync(path.join(root, folder), { recursive: true });
    files
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .sort()
      .forEach((file) => add(path.join(folder, file)));
  }
  return hash.digest('hex');
}

function readOrNothing(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
