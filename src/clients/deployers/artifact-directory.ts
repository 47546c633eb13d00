import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startOf } from '../process-start.ts';

const PREFIX = 'orchestrator-artifact-';
const NAME = /^orchestrator-artifact-(\d+)-(\d+)-/;

/**
 * Lends a directory for the files of an artifact, below `root` (the system's temporary directory when left out); it is gone
 * afterwards. What processes that were killed left there is removed first.
 */
export async function withArtifactDirectory<T>(
  use: (directory: string) => Promise<T>,
  root = tmpdir(),
): Promise<T> {
  await sweepArtifactDirectories(root);
  const started = (await startOf(process.pid)) ?? '0';
  const directory = await mkdtemp(path.join(root, `${PREFIX}${process.pid}-${started}-`));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Removes the directories of processes of this machine that ended without doing so. */
export async function sweepArtifactDirectories(root = tmpdir()): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const [, pid, started] = NAME.exec(name) ?? [];
    if (pid === undefined || (await startOf(Number(pid))) === started) continue;
    // Somebody else's is theirs to remove.
    await rm(path.join(root, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
