import { constants, type Dirent } from 'node:fs';
import { mkdir, open, opendir, readlink, symlink } from 'node:fs/promises';
import path from 'node:path';
import { DeployFailure } from '../../contract/deployer.ts';
import { leadsInside } from '../git/link-target.ts';

const MAX_ENTRIES = 200_000;
const MAX_BYTES = 8 * 1024 * 1024 * 1024;
const MAX_DEPTH = 100;
const PIECE_BYTES = 1024 * 1024;

interface Copy {
  from: string;
  to: string;
  entries: number;
  bytes: number;
  /** Targets of symbolic links by their path; they are made last, when all are known. */
  links: Map<string, string>;
  signal: AbortSignal | undefined;
}

/**
 * Copies a directory to a place that does not exist yet, and has it on disk when it resolves. Only files, directories
 * and symbolic links that stay inside are copied. Throws `DeployFailure` `artifact_invalid` for anything else.
 */
export async function copyArtifact(from: string, to: string, signal?: AbortSignal): Promise<void> {
  const copy: Copy = { from, to, entries: 0, bytes: 0, links: new Map(), signal };
  await copyFolder(copy, '', 0);
  for (const [link, target] of copy.links) {
    if (!leadsInside(link, copy.links)) throw invalid('a link that leads out of it');
    await symlink(target, path.join(to, link));
  }
  await syncFolders(copy);
}

async function copyFolder(copy: Copy, folder: string, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw invalid('too many folders within each other');
  await mkdir(path.join(copy.to, folder), { mode: 0o755 });
  const entries = await opendir(path.join(copy.from, folder)).catch((cause: unknown) => {
    throw new DeployFailure('artifact_invalid', 'The artifact is no directory that can be read.', { cause });
  });
  for await (const entry of entries) await copyEntry(copy, path.join(folder, entry.name), { entry, depth });
}

async function copyEntry(
  copy: Copy,
  name: string,
  { entry, depth }: { entry: Dirent; depth: number },
): Promise<void> {
  copy.signal?.throwIfAborted();
  if ((copy.entries += 1) > MAX_ENTRIES) throw invalid('too many files');
  if (entry.isDirectory()) await copyFolder(copy, name, depth + 1);
  else if (entry.isSymbolicLink()) copy.links.set(name, await readlink(path.join(copy.from, name)));
  else if (entry.isFile()) await copyFile(copy, name);
  else throw invalid('something that is no file');
}

async function copyFile(copy: Copy, name: string): Promise<void> {
  const source = await open(path.join(copy.from, name), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode } = await source.stat();
    const target = await open(path.join(copy.to, name), 'wx', (mode & 0o111) !== 0 ? 0o755 : 0o644);
    try {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      for (;;) {
        const { bytesRead } = await source.read(piece, 0, PIECE_BYTES);
        if (bytesRead === 0) break;
        if ((copy.bytes += bytesRead) > MAX_BYTES) throw invalid('too many bytes');
        await target.writeFile(piece.subarray(0, bytesRead));
        copy.signal?.throwIfAborted();
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** The names in a folder are only safe when the folder is. */
async function syncFolders(copy: Copy, folder = ''): Promise<void> {
  for await (const entry of await opendir(path.join(copy.to, folder))) {
    if (entry.isDirectory()) await syncFolders(copy, path.join(folder, entry.name));
  }
  await syncFolder(path.join(copy.to, folder));
}

/** Has the names in a folder on disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function invalid(what: string): DeployFailure {
  return new DeployFailure('artifact_invalid', `The artifact holds ${what}.`);
}
