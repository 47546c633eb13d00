import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Json } from '../contract/json.ts';
import { hashJson } from '../language/content-hash.ts';
import { TreeCallError, type TreeClient } from './tree-client.ts';
import { type TreeFile, withFiles } from './tree-files.ts';
import { readText, type TreeText, TreeTextError } from './tree-format.ts';
import { commitMessage } from './tree-git.ts';
import { type DefinitionFile, filesDirOf, findDefinitions } from './tree-places.ts';
import type { TreeEntry, TreeProblem } from './tree-report.ts';

export interface ImportOptions {
  root: string;
  workflow?: string;
  /** What the versions are said to be for; else the message of the last commit. */
  message?: string;
}

/** Saves every definition of the tree that is not what its tag points at. Each stands for itself. */
export async function importTree(client: TreeClient, options: ImportOptions): Promise<TreeEntry[]> {
  const { root, workflow } = options;
  const found = (await findDefinitions(root)).filter(
    ({ tag }) => workflow === undefined || tag.split('/')[0] === workflow,
  );
  const entries: TreeEntry[] = [];
  for (const definition of found) {
    const twin = found.find((other) => other.tag === definition.tag && other.file !== definition.file);
    entries.push(
      twin
        ? refused(definition, [{ message: `${twin.file} is of the same tag` }])
        : await importOne(client, options, definition),
    );
  }
  return entries;
}

async function importOne(
  client: TreeClient,
  options: ImportOptions,
  file: DefinitionFile,
): Promise<TreeEntry> {
  const { root } = options;
  let text: TreeText | undefined;
  try {
    text = readText(await readFile(path.join(root, file.file), 'utf8'), file.format);
    const { definition, files } = await withFiles(root, file.tag, text.value);
    return await saveIfNew(client, options, file, { definition, files });
  } catch (error) {
    return refused(file, problemsOf(error, text));
  }
}

async function saveIfNew(
  client: TreeClient,
  { root, message }: ImportOptions,
  { tag, file }: DefinitionFile,
  { definition, files }: { definition: Json; files: readonly TreeFile[] },
): Promise<TreeEntry> {
  const hash = hashJson(definition);
  const head = await client.version(tag);
  const is_there = head?.tag === tag;
  if (is_there && head.version_hash === hash) return { result: 'unchanged', tag, file };
  for (const { cas_id, local } of files) {
    if (!(await client.hasBlob(cas_id))) await client.putBlob(cas_id, local);
  }
  await client.save({
    tag_name: tag,
    workflow: definition,
    message: message ?? (await commitMessage(root, [file, filesDirOf(tag)])),
    expected_version: is_there ? head.tag_version : null,
  });
  return { result: is_there ? 'updated' : 'created', tag, file };
}

const refused = ({ tag, file }: DefinitionFile, problems: readonly TreeProblem[]): TreeEntry => ({
  result: 'refused',
  tag,
  file,
  problems,
});

/** What is wrong and where. Throws on what is wrong with the connection and not with the definition. */
function problemsOf(error: unknown, text: TreeText | undefined): TreeProblem[] {
  if (error instanceof TreeTextError) return [{ message: error.message, place: error.place }];
  // What YAML can say and JSON cannot: `.inf`, binary data, too many aliases.
  if (error instanceof TypeError || error instanceof ReferenceError) {
    if ((error as { cause?: unknown }).cause !== undefined) throw error;
    return [{ message: error.message }];
  }
  if (!(error instanceof TreeCallError) || error.status >= 500 || error.status === 401) throw error;
  if (error.errors.length === 0) return [{ message: error.message }];
  const problems = error.errors.map(({ path: pointer, message }) => {
    const inner = pointer.replace(/^\/workflow(?=\/|$)/, '');
    return { message: `${inner || '/'}: ${message}`, place: text?.locate(inner) };
  });
  return problems.sort((one, other) => (one.place?.line ?? 0) - (other.place?.line ?? 0));
}
