import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { TreeFormat } from './tree-format.ts';

/** A file of the tree that holds the definition of a tag. */
export interface DefinitionFile {
  tag: string;
  format: TreeFormat;
  /** From the root of the tree, with "/". */
  file: string;
}

const EXTENSION = /\.(ya?ml|json)$/;
/** No name of a tag has an "@", so nothing but files of a definition can be in such a directory. */
const FILES_DIR = '@files';
const MAX_NAME_BYTES = 255;
/** What git would take for a repository, and what file managers leave behind. */
const UNFIT = new Set(['', '.', '..', '.git', '.ds_store']);

/** Where the definition of a tag is: its name is its path. */
export const fileOf = (tag: string, format: TreeFormat): string => `${tag}.${format}`;

/** Where the files of its definition are, as files. */
export const filesDirOf = (tag: string): string => `${tag}${FILES_DIR}`;

/** Whether a path in `files` can be a path in the tree, on any system, and leads nowhere else. */
export function isTreePath(file: string): boolean {
  // eslint-disable-next-line no-control-regex
  if (/[\\:*?"<>|\u0000-\u001f\u007f]|\p{Surrogate}/u.test(file)) return false;
  return file
    .split('/')
    .every((name) => !UNFIT.has(name.toLowerCase()) && Buffer.byteLength(name) <= MAX_NAME_BYTES);
}

/** Every definition below the root, by tag. What begins with a dot is not the tree's. */
export async function findDefinitions(root: string): Promise<DefinitionFile[]> {
  const found: DefinitionFile[] = [];
  for (const file of await filesBelow(root, (name) => !name.startsWith('.') && !name.endsWith(FILES_DIR))) {
    const extension = EXTENSION.exec(file)?.[1];
    if (extension === undefined) continue;
    const format = extension === 'json' ? 'json' : 'yaml';
    found.push({ tag: file.replace(EXTENSION, ''), format, file });
  }
  return found.sort((one, other) => (one.tag < other.tag ? -1 : 1));
}

/** Every file below a directory that may be one of a definition; none when there is no such directory. */
export async function findFiles(directory: string): Promise<string[]> {
  const files = await filesBelow(directory, (name) => isTreePath(name));
  return files.filter(isTreePath).sort();
}

async function filesBelow(root: string, isWanted: (name: string) => boolean): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(noneIfAbsent);
  const wanted = entries.filter(({ name }) => isWanted(name));
  const below = wanted.map(async (entry) => {
    // Links are neither: they could lead out of the tree.
    if (entry.isFile()) return [entry.name];
    if (!entry.isDirectory()) return [];
    const inner = await filesBelow(path.join(root, entry.name), isWanted);
    return inner.map((file) => `${entry.name}/${file}`);
  });
  return (await Promise.all(below)).flat();
}

function noneIfAbsent(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
}
