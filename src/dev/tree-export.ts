import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { hashJson } from '../language/content-hash.ts';
import { writeAtomic } from './atomic-file.ts';
import type { TreeClient, TreeTag } from './tree-client.ts';
import { withFiles, writeFiles } from './tree-files.ts';
import { readText, type TreeFormat, writeText } from './tree-format.ts';
import { type DefinitionFile, fileOf, findDefinitions } from './tree-places.ts';
import type { TreeEntry } from './tree-report.ts';

export interface ExportOptions {
  root: string;
  /** All when absent. */
  workflow?: string;
  /** Of new files; one that is there keeps its own. */
  format: TreeFormat;
}

/**
 * Writes the definition of every tag into the tree. A file that says the same already stays as it is, with whatever its
 * author made of order and comments; one without a tag stays too and is reported.
 */
export async function exportTree(client: TreeClient, options: ExportOptions): Promise<TreeEntry[]> {
  const { root, workflow } = options;
  const tags = (await client.tags(workflow)).sort((one, other) => (one.name < other.name ? -1 : 1));
  const here = (await findDefinitions(root)).filter(
    ({ tag }) => workflow === undefined || tag.split('/')[0] === workflow,
  );
  const files = new Map(here.map((file) => [file.tag, file]));
  const taken = new Map<string, string>();
  const entries: TreeEntry[] = [];
  for (const tag of tags) {
    const other = taken.get(tag.name.toLowerCase());
    taken.set(tag.name.toLowerCase(), tag.name);
    entries.push(
      other === undefined
        ? await exportTag(client, options, tag, files.get(tag.name))
        : clash(tag.name, other),
    );
    files.delete(tag.name);
  }
  const alone = [...files.values()].map(({ tag, file }): TreeEntry => ({ result: 'only here', tag, file }));
  return [...entries, ...alone];
}

async function exportTag(
  client: TreeClient,
  { root, format: format_wanted }: ExportOptions,
  { name: tag, target_id }: TreeTag,
  here: DefinitionFile | undefined,
): Promise<TreeEntry> {
  const { format, file } = here ?? { format: format_wanted, file: fileOf(tag, format_wanted) };
  // The version the list named, so that a tag that moves meanwhile is one version or the other.
  const version = await client.version(target_id, true);
  if (!version?.definition)
    return { result: 'refused', tag, file, problems: [{ message: 'cannot be read' }] };
  if (here && (await hashHere(root, here)) === version.version_hash)
    return { result: 'unchanged', tag, file };
  const target = path.join(root, file);
  try {
    await mkdir(path.dirname(target), { recursive: true });
    const rest = await writeFiles(client, root, tag, version.definition);
    await writeAtomic(target, writeText(rest, format), 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return { result: 'refused', tag, file, problems: [{ message: (error as Error).message }] };
  }
  return { result: here ? 'updated' : 'created', tag, file };
}

/** Undefined for what is no definition: it is written anew. */
async function hashHere(root: string, { tag, file, format }: DefinitionFile): Promise<string | undefined> {
  try {
    const { value } = readText(await readFile(path.join(root, file), 'utf8'), format);
    return hashJson((await withFiles(root, tag, value)).definition);
  } catch {
    return undefined;
  }
}

const clash = (tag: string, other: string): TreeEntry => ({
  result: 'refused',
  tag,
  file: tag,
  problems: [
    { message: `differs from ${other} in capitals only, which not every file system can tell apart` },
  ],
});
