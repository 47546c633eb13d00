import { mkdir, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/**
 * A data directory for workflow workers, which keep nothing there but the bundle of the workflows. Bundling takes seconds, so all
 * test files share what the first one made; it is named after its sources.
 */
export const sharedBundles = (): string =>
  path.join(os.tmpdir(), `orchestrator-test-bundles-${process.getuid?.() ?? 0}`);

/** Lets a product that has a data directory of its own take its bundle from there, too. */
export async function shareBundles(data_dir: string): Promise<void> {
  const cache = path.join(sharedBundles(), 'cache');
  await mkdir(cache, { recursive: true });
  await symlink(cache, path.join(data_dir, 'cache'));
}
