import { createHash } from 'node:crypto';
import { skipReasonOfPath } from '../../../analysis/skip.ts';
import type { SourceFile, SourceRepository } from '../../../contract/source-repository.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { folderPrefix, type Sources } from '../source.ts';
import { JSON_TYPE, toBytes, type FetchedTree } from './tree.ts';

/** Files that are kept at once. */
const PARALLEL = 8;

interface AnalysisInput {
  repository: string;
  ref?: string;
  path?: string;
}

/** FetchCode: keeps the files of a commit as blobs, so that whoever analyses them need not fetch them again. */
export function fetchCode({ sources }: { sources: Sources }): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const { repository, ref, path } = config.input as unknown as AnalysisInput;
      const { project_id, signal } = context;
      return sources({ project_id, repository, ref, signal }, async (opened) => {
        const tree = await treeOf(opened, path, context);
        const tree_ref = await context.keep(toBytes(tree), JSON_TYPE);
        const { commit, files, skipped, truncated } = tree;
        return { commit, tree_ref, files: files.length, skipped, truncated };
      });
    });
}

async function treeOf(
  repository: SourceRepository,
  root: string | undefined,
  context: NodeContext,
): Promise<FetchedTree> {
  const skipped: Record<string, number> = {};
  const skip = (reason: string) => void (skipped[reason] = (skipped[reason] ?? 0) + 1);
  const files: FetchedTree['files'] = [];
  const folder = folderPrefix(root);
  // A file may be named as well.
  const wanted = repository.tree.filter(({ path }) => `${path}/`.startsWith(folder));

  async function keep({ path, mode, size_bytes }: SourceFile): Promise<void> {
    if (mode === 'symlink' || mode === 'submodule') return skip(mode);
    const reason = skipReasonOfPath(path, size_bytes ?? 0);
    if (reason !== undefined) return skip(reason);
    const content = await repository.readFile(path);
    if (content.kind !== 'text') return skip(content.kind);
    const cas_id = await context.keep(content.bytes, 'text/plain; charset=utf-8');
    files.push({ path, cas_id, size_bytes: content.bytes.byteLength });
  }

  const left = wanted.values();
  const worker = async () => {
    for (const file of left) {
      context.signal.throwIfAborted();
      await keep(file);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const kept = new Set(files.map(({ path }) => path));
  const others = repository.tree.map(({ path }) => path).filter((path) => !kept.has(path));
  const { commit, truncated } = repository;
  return { commit, files, others, is_part: root !== undefined, skipped, truncated };
}

/** What a tree is known by: the same files at the same places are the same tree. */
export function treeKey({ files, others, is_part }: FetchedTree): string {
  const hash = createHash('sha256').update(`${is_part}\0${others.join('\0')}\0`);
  for (const { path, cas_id } of files) hash.update(`${path}\0${cas_id}\0`);
  return hash.digest('hex');
}
