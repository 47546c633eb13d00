export interface RepositoryLimits {
  /** Entries of the tree that are listed. */
  files: number;
  /** Of one file that is read or compared; larger ones are marked, and cannot be read. */
  file_bytes: number;
  /** On disk, of everything that is fetched or unpacked. */
  total_bytes: number;
  /** Of a diff as text. */
  diff_bytes: number;
  /** For fetching all of it, and again for each question to it. */
  time_ms: number;
}

export type SourceMode = 'file' | 'executable' | 'symlink' | 'submodule';

/** One entry of a commit's tree. */
export interface SourceFile {
  /** From the repository's root, with `/`. */
  path: string;
  mode: SourceMode;
  /** Git's name of the content: equal content has the same name in every repository. */
  blob: string;
  /** Null for a submodule, and for what was too large to be fetched. */
  size_bytes: number | null;
}

export type FileContent =
  | { kind: 'text'; text: string; bytes: Uint8Array }
  | { kind: 'binary'; bytes: Uint8Array }
  | { kind: 'too_large'; size_bytes: number | null };

export type ChangeStatus = 'added' | 'modified' | 'deleted' | 'renamed' | 'copied' | 'type_changed';

export interface HunkLine {
  kind: 'context' | 'added' | 'removed';
  /** Without the line feed; a carriage return before it belongs to the text. */
  text: string;
  /** Set for a last line that no line feed ends. */
  no_newline?: true;
}

/** Lines count from 1; an empty side starts at the line before it (0 at the top). */
export interface Hunk {
  old_start: number;
  old_lines: number;
  new_start: number;
  new_lines: number;
  lines: HunkLine[];
}

export interface ChangedFile {
  path: string;
  /** Differs from `path` for what was renamed or copied. */
  old_path: string;
  status: ChangeStatus;
  old_mode: SourceMode | null;
  new_mode: SourceMode | null;
  /** Null where the side has no file. */
  old_blob: string | null;
  new_blob: string | null;
  binary: boolean;
  /** The hunks are missing, for the diff or the file is larger than allowed. */
  truncated: boolean;
  hunks: Hunk[];
  /** Numbers, in head, of the lines that base does not have. */
  added_lines: number[];
}

export interface SourceChanges {
  base_commit: string;
  head_commit: string;
  files: ChangedFile[];
  /** Something is missing: files past the limit, or hunks. */
  truncated: boolean;
}

export interface ExportReport {
  files: number;
  bytes: number;
  /** Entries that were left out, and why, at most 100. */
  skipped: { path: string; reason: string }[];
}

/** Commits of one repository, held apart from where they came from until it is closed. */
export interface SourceRepository {
  commit: string;
  /** The commits of `more_refs`, in their order. */
  more_commits: string[];
  tree: SourceFile[];
  /** Entries are missing from the tree: there are more than allowed. */
  truncated: boolean;
  /** Entries whose path no file may have: `..`, `.git`, not UTF-8. */
  refused_paths: number;
  /** Throws `AppError('not_found')` for what is no file of the tree; never follows a symbolic link. */
  readFile(path: string): Promise<FileContent>;
  /**
   * What `head` changed since it left `base` (both commits of this repository).
   * Throws `SourceFailure` `no_merge_base`.
   */
  changesBetween(base: string, head: string): Promise<SourceChanges>;
  /** Writes the tree below a directory that does not exist yet, without links that lead out of it. */
  exportTo(directory: string): Promise<ExportReport>;
  /** Ends its processes and removes what it holds on disk. */
  close(): Promise<void>;
}

export type SourceFailureCode =
  | 'repository_refused' // not a place that may be read
  | 'repository_unreachable' // network, TLS, authentication, or no repository there
  | 'repository_invalid'
  | 'ref_not_found'
  | 'no_merge_base'
  | 'limit_exceeded'
  | 'timeout'
  | 'archive_invalid'
  | 'git_unavailable';

/** Why a repository cannot be read; the message holds neither credentials nor paths of this machine. */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure';
  readonly code: SourceFailureCode;

  constructor(code: SourceFailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
