import {
  type ChangedFile,
  type ChangeStatus,
  type RepositoryLimits,
  type SourceChanges,
  SourceFailure,
} from '../../contract/source-repository.ts';
import { type GitOptions, runGit } from './git-process.ts';
import { addedLines, parsePatch, type PatchSection } from './patch-parser.ts';
import { isCommitId } from './ref-name.ts';
import { modeOf, pathOf } from './tree.ts';

type Options = Omit<GitOptions, 'output_bytes'>;
/** Null for an entry whose path no file may have: its part of the patch is skipped. */
type Entry = ChangedFile | null;

const STATUSES: Readonly<Record<string, ChangeStatus>> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  R: 'renamed',
  C: 'copied',
  T: 'type_changed',
};
const DIFF = ['diff-tree', '-r', '-M', '--full-index', '--no-ext-diff', '--no-textconv', '--no-color'];
const ENTRY_BYTES = 1_200;
const MIN_RAW_BYTES = 64 * 1024;
const MERGE_BASE_BYTES = 4_096;

/**
 * What `head` changed since its merge base with `base`; paths that no file may have are left out and make it truncated.
 * Throws `SourceFailure`: `ref_not_found` for what is no commit here, `no_merge_base`.
 */
export async function changesBetween(
  [base, head]: readonly [string, string],
  limits: RepositoryLimits,
  options: Options,
): Promise<SourceChanges> {
  const base_commit = await mergeBase(base, head, options);
  const { entries, cut } = await listEntries([base_commit, head], limits, options);
  const patch = await runGit([...DIFF, '-p', '--unified=3', base_commit, head], {
    ...options,
    settings: { 'core.bigFileThreshold': String(limits.file_bytes) },
    output_bytes: limits.diff_bytes,
    cut_output: true,
  });
  if (!patch.cut) requireSuccess(patch);
  attach(entries, parsePatch(patch.stdout.toString('utf8'), patch.cut));
  const files = entries.filter((file) => file !== null).slice(0, limits.files);
  return {
    base_commit,
    head_commit: head,
    files,
    truncated: cut || files.length < entries.length || files.some((file) => file.truncated),
  };
}

async function mergeBase(base: string, head: string, options: Options): Promise<string> {
  if (!isCommitId(base) || !isCommitId(head)) {
    throw new SourceFailure('ref_not_found', 'Changes are between two commits, each by its full id.');
  }
  const found = await runGit(['merge-base', base, head], { ...options, output_bytes: MERGE_BASE_BYTES });
  const commit = found.stdout.toString('latin1').trim().split('\n')[0] ?? '';
  if (found.exit_code === 0 && isCommitId(commit)) return commit;
  throw found.exit_code === 1
    ? new SourceFailure(
        'no_merge_base',
        'The two commits have no common ancestor in the history that was read.',
      )
    : new SourceFailure('ref_not_found', 'One of the commits is not there.', new Error(found.stderr));
}

async function listEntries(
  commits: readonly [string, string],
  limits: RepositoryLimits,
  options: Options,
): Promise<{ entries: Entry[]; cut: boolean }> {
  const raw = await runGit([...DIFF, '--raw', '-z', ...commits], {
    ...options,
    output_bytes: limits.files * ENTRY_BYTES + MIN_RAW_BYTES,
    cut_output: true,
  });
  if (!raw.cut) requireSuccess(raw);
  return { entries: readEntries(raw.stdout), cut: raw.cut };
}

/** Reads the output of `diff-tree --raw -z`: `:<modes> <ids> <status>`, then one path, or two for R and C. */
export function readEntries(raw: Buffer): Entry[] {
  const fields: Buffer[] = [];
  for (let at = 0, end = raw.indexOf(0); end !== -1; at = end + 1, end = raw.indexOf(0, at)) {
    fields.push(raw.subarray(at, end));
  }
  const entries: Entry[] = [];
  for (let at = 0; at < fields.length;) {
    const head = fields[at]!.toString('latin1');
    const two = /[RC]\d*$/.test(head);
    const [old_path, path] = [fields[at + 1], fields[at + (two ? 2 : 1)]];
    if (!old_path || !path) break;
    entries.push(entryOf(head, old_path, path));
    at += two ? 3 : 2;
  }
  return entries;
}

function entryOf(head: string, old_bytes: Buffer, bytes: Buffer): Entry {
  const [old_mode = '', new_mode = '', old_blob = '', new_blob = '', status = ''] = head.slice(1).split(' ');
  const [old_path, path] = [pathOf(old_bytes), pathOf(bytes)];
  if (old_path === null || path === null) return null;
  return {
    path,
    old_path,
    status: STATUSES[status[0] ?? ''] ?? 'modified',
    old_mode: modeOf(old_mode),
    new_mode: modeOf(new_mode),
    old_blob: present(old_blob),
    new_blob: present(new_blob),
    binary: false,
    truncated: false,
    hunks: [],
    added_lines: [],
  };
}

const present = (blob: string): string | null => (/^0*$/.test(blob) ? null : blob);

/** Entries and sections come in one order; a change of the type is two sections, one that deletes and one that adds. */
function attach(entries: readonly Entry[], sections: readonly PatchSection[]): void {
  let at = 0;
  for (const file of entries) {
    const count = file?.status === 'type_changed' ? 2 : 1;
    const own = sections.slice(at, at + count);
    at += count;
    if (!file) continue;
    file.binary = own.some(({ binary }) => binary);
    file.truncated = own.length < count || own.some(({ cut }) => cut);
    if (file.truncated) continue;
    file.hunks = own.flatMap(({ hunks }) => hunks);
    file.added_lines = addedLines(file.hunks);
  }
}

function requireSuccess({ exit_code, stderr }: { exit_code: number; stderr: string }): void {
  if (exit_code === 0) return;
  throw new SourceFailure('repository_invalid', 'The changes cannot be read.', new Error(stderr));
}
