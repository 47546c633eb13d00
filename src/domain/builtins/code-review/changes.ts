import { skipReasonOfPath } from '../../../analysis/skip.ts';
import type {
  ChangedFile,
  ChangeStatus,
  Hunk,
  SourceChanges,
  SourceRepository,
} from '../../../contract/source-repository.ts';
import { contentHash } from '../../rules/content-hash.ts';

/** A changed file as head has it. */
export interface ReviewFile {
  path: string;
  /** Differs from `path` for what was renamed or copied. */
  old_path: string;
  status: ChangeStatus;
  /** The name of its bytes. */
  cas_id: string;
  text: string;
  /** Numbers, in head, of the lines that base does not have. */
  added_lines: number[];
  hunks: Hunk[];
}

/** What head changed, as FetchChanges leaves it for the other steps. */
export interface ReviewChanges {
  base_commit: string;
  head_commit: string;
  /** Those with lines that somebody can look at. */
  files: ReviewFile[];
  /** Changed files that are not looked at, by reason. */
  skipped: Record<string, number>;
  /** Lines that somebody wrote are missing, because there are too many. */
  truncated: boolean;
}

/** Of all files together, as JSON. */
const MAX_JSON_BYTES = 24 * 1024 * 1024;
const MAX_FILES = 2_000;
/** For one of these, text that should be reviewed is not. */
const MISSED = new Set(['diff_too_large', 'too_large', 'too_many']);

/** Nobody reviews their bytes, however many. */
const MEDIA = /\.(png|jpe?g|gif|webp|avif|ico|pdf|woff2?|ttf|otf|mp[34]|webm|mov)$/i;

/** Reads what is to be reviewed; what does not fit is counted, never left out silently. */
export async function readChanges(
  repository: SourceRepository,
  changes: SourceChanges,
  signal: AbortSignal,
): Promise<ReviewChanges> {
  const { base_commit, head_commit } = changes;
  const files: ReviewFile[] = [];
  const skipped: Record<string, number> = {};
  let left_bytes = MAX_JSON_BYTES;
  for (const changed of changes.files) {
    signal.throwIfAborted();
    const file = await readChanged(repository, changed);
    const bytes = typeof file === 'string' ? 0 : Buffer.byteLength(JSON.stringify(file));
    const reason =
      typeof file === 'string' ? file : bytes > left_bytes || files.length >= MAX_FILES ? 'too_many' : null;
    if (reason !== null) skipped[reason] = (skipped[reason] ?? 0) + 1;
    else {
      files.push(file as ReviewFile);
      left_bytes -= bytes;
    }
  }
  const truncated = changes.truncated || Object.keys(skipped).some((reason) => MISSED.has(reason));
  return { base_commit, head_commit, files, skipped, truncated };
}

/** The file, or why it is not looked at. */
async function readChanged(repository: SourceRepository, file: ChangedFile): Promise<ReviewFile | string> {
  const { path, old_path, status, new_mode, added_lines, hunks } = file;
  if (new_mode === null) return 'deleted';
  if (new_mode === 'symlink' || new_mode === 'submodule') return new_mode;
  const reason = skipReasonOfPath(path);
  if (reason !== undefined) return reason;
  if (file.truncated) return 'diff_too_large';
  if (added_lines.length === 0 && !file.binary) return 'nothing_added';
  const content = await repository.readFile(path);
  // To git, what is too large is binary.
  if (content.kind !== 'text' || file.binary)
    return content.kind === 'too_large' && !MEDIA.test(path) ? 'too_large' : 'binary';
  const { text, bytes } = content;
  return { path, old_path, status, cas_id: contentHash(bytes), text, added_lines, hunks };
}

/** The added lines of each file. */
export const addedLines = ({ files }: ReviewChanges): Map<string, ReadonlySet<number>> =>
  new Map(files.map(({ path, added_lines }) => [path, new Set(added_lines)]));
