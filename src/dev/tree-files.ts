import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Json, JsonObject } from '../contract/json.ts';
import type { TreeClient } from './tree-client.ts';
import { filesDirOf, findFiles, isTreePath } from './tree-places.ts';

/** A file beside a definition, and the name its bytes have in the store. */
export interface TreeFile {
  local: string;
  cas_id: string;
}

const HASH = /^sha256:[0-9a-f]{64}$/;

/** The definition with the hashes of the files that lie beside it, which the text leaves out. */
export async function withFiles(
  root: string,
  tag: string,
  value: Json,
): Promise<{ definition: Json; files: TreeFile[] }> {
  const directory = path.join(root, filesDirOf(tag));
  const names = await findFiles(directory);
  if (names.length === 0 || !isObject(value)) return { definition: value, files: [] };
  const entries: [string, string][] = [];
  for (const name of names) entries.push([name, await hashOf(path.join(directory, name))]);
  const named = isObject(value['files']) ? value['files'] : {};
  const files = Object.fromEntries([...Object.entries(named), ...entries]);
  return {
    definition: Object.fromEntries([...Object.entries(value), ['files', files]]),
    files: entries.map(([name, cas_id]) => ({ local: path.join(directory, name), cas_id })),
  };
}

/**
 * Writes the blobs that a definition names beside it, in place of what was there, and answers the definition without
 * them. What cannot be a file here, or cannot be read, stays in the text by its hash.
 */
export async function writeFiles(
  client: Pick<TreeClient, 'getBlob'>,
  root: string,
  tag: string,
  definition: JsonObject,
): Promise<JsonObject> {
  const directory = path.join(root, filesDirOf(tag));
  const { files } = definition;
  const written = new Set<string>();
  // Beside it and under a name that is not of the tree: what is there is replaced when everything has come.
  const fresh = path.join(path.dirname(directory), `.${path.basename(directory)}.${randomUUID()}`);
  try {
    for (const [name, cas_id] of isObject(files) ? fittingFiles(files) : []) {
      const local = path.join(fresh, name);
      await mkdir(path.dirname(local), { recursive: true });
      if (await client.getBlob(cas_id, local)) written.add(name);
    }
    await rm(directory, { recursive: true, force: true });
    if (written.size > 0) await rename(fresh, directory);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  if (!isObject(files)) return definition;
  const rest = Object.fromEntries(Object.entries(files).filter(([name]) => !written.has(name)));
  return Object.fromEntries(Object.entries(definition).map(([k, v]) => [k, k === 'files' ? rest : v]));
}

/** Blobs by path: none that another one's path runs through, also where capitals make no difference. */
function fittingFiles(files: JsonObject): [string, string][] {
  const taken = new Map<string, 'file' | 'directory'>();
  return Object.entries(files).flatMap(([name, cas_id]): [string, string][] => {
    const key = name.toLowerCase();
    const above = key
      .split('/')
      .map((_, i, all) => all.slice(0, i).join('/'))
      .slice(1);
    const is_blob = typeof cas_id === 'string' && HASH.test(cas_id);
    if (!is_blob || !isTreePath(name) || taken.has(key) || above.some((one) => taken.get(one) === 'file'))
      return [];
    taken.set(key, 'file');
    for (const one of above) taken.set(one, 'directory');
    return [[name, cas_id]];
  });
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest('hex')}`;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
