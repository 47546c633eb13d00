import { lstat, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { SourceFailure } from '../../contract/source-repository.ts';

const MAX_POINTER_BYTES = 16_384;
const MAX_ALTERNATES = 16;
/** What git reads refs, objects and settings from. */
const PARTS = ['HEAD', 'config', 'objects', 'objects/pack', 'objects/info', 'refs', 'packed-refs'];

/** A repository on this machine that may be read. */
export interface LocalPlace {
  /** Where git is pointed to. */
  git_dir: string;
}

/**
 * Finds the repository at a path, a bare one or one with a work tree, when all of it lies below one of `roots`: links,
 * the `.git` file of a linked work tree and borrowed objects are followed and must stay there as well.
 * Throws `SourceFailure` `repository_refused`, the same for what is outside and what is not there.
 */
export async function findLocalRepository(place: string, roots: readonly string[]): Promise<LocalPlace> {
  const inside = await insideOf(roots);
  const directory = await inside(place);
  const git_dir = await gitDirOf(directory, inside);
  const common_dir = await commonDirOf(git_dir, inside);
  for (const part of PARTS) await insideIfThere(path.join(common_dir, part), inside);
  await requireOwnObjects(path.join(common_dir, 'objects'), inside);
  return { git_dir };
}

type Inside = (place: string) => Promise<string>;

async function insideOf(roots: readonly string[]): Promise<Inside> {
  const real_roots = await Promise.all(roots.map((root) => realpath(root).catch(() => null)));
  return async (place) => {
    const real =
      path.isAbsolute(place) && !place.includes('\0') ? await realpath(place).catch(() => null) : null;
    if (real !== null && real_roots.some((root) => root !== null && isBelow(root, real))) return real;
    throw refused();
  };
}

function isBelow(root: string, place: string): boolean {
  const relative = path.relative(root, place);
  return relative === '' || (relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative));
}

function refused(): SourceFailure {
  return new SourceFailure('repository_refused', 'The path is no git repository that may be read.');
}

async function insideIfThere(place: string, inside: Inside): Promise<void> {
  if (await lstat(place).catch(() => null)) await inside(place);
}

async function gitDirOf(directory: string, inside: Inside): Promise<string> {
  const dot_git = path.join(directory, '.git');
  const found = await lstat(dot_git).catch(() => null);
  if (!found) return directory;
  if (!found.isFile()) return inside(dot_git);
  const [, target] = /^gitdir: (.+)$/m.exec(await readPointer(dot_git)) ?? [];
  if (target === undefined) throw refused();
  return inside(path.resolve(directory, target));
}

/** A linked work tree shares refs and objects with the repository it belongs to. */
async function commonDirOf(git_dir: string, inside: Inside): Promise<string> {
  const pointer = path.join(git_dir, 'commondir');
  const text = (await lstat(pointer).catch(() => null)) ? await readPointer(pointer) : '.';
  const common_dir = await inside(path.resolve(git_dir, text.trim()));
  const parts = ['HEAD', 'objects', 'refs'].map((part) => lstat(path.join(common_dir, part)));
  await Promise.all(parts).catch(() => {
    throw refused();
  });
  return common_dir;
}

/** Objects may be borrowed from other repositories, and those may borrow in turn. */
async function requireOwnObjects(objects: string, inside: Inside): Promise<void> {
  const waiting = [objects];
  for (let seen = 0; waiting.length > 0; seen += 1) {
    if (seen > MAX_ALTERNATES) throw refused();
    const current = waiting.shift()!;
    const list = path.join(current, 'info/alternates');
    if (!(await lstat(list).catch(() => null))) continue;
    await inside(list);
    const lines = (await readPointer(list))
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of lines) waiting.push(await inside(path.resolve(current, line)));
  }
}

async function readPointer(file: string): Promise<string> {
  const handle = await open(file).catch(() => {
    throw refused();
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_POINTER_BYTES), 0, MAX_POINTER_BYTES, 0);
    if (bytesRead === MAX_POINTER_BYTES) throw refused();
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
