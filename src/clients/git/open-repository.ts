import type { Readable } from 'node:stream';
import { AppError } from '../../contract/errors.ts';
import {
  type FileContent,
  type RepositoryLimits,
  type SourceFile,
  SourceFailure,
  type SourceRepository,
} from '../../contract/source-repository.ts';
import type { ResolveHost } from '../http/guarded-connector.ts';
import { ARCHIVE_REF, importArchive } from './archive.ts';
import { changesBetween } from './changes.ts';
import { exportTree } from './export.ts';
import { commitOf, fetchRefs, initRepository } from './fetch.ts';
import { requireGit } from './git-version.ts';
import { findLocalRepository } from './local-place.ts';
import { objectReader } from './object-reader.ts';
import { refRefusal } from './ref-name.ts';
import { findRemoteRepository } from './remote-place.ts';
import { listTree } from './tree.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

export interface OpenRequest {
  /** An absolute path, an https URL, or the bytes of a tar, plain or gzip. */
  repository: string | { archive: Readable };
  /** A branch, tag, other ref or full commit id, whose tree is read; `HEAD` when left out. Not for an archive. */
  ref?: string;
  /** Further ones, for comparing. */
  more_refs?: readonly string[];
  /** Commits of history; 1 when left out, all of it when null. */
  depth?: number | null;
  limits: RepositoryLimits;
  /** Ends everything, whenever it aborts: also what is asked of the repository later. */
  signal?: AbortSignal;
  allow: {
    /** Directories that local repositories may lie below; nowhere when empty. */
    local_roots: readonly string[];
    /** Internal hosts that may be called; see `parseAllowList`. */
    hosts: readonly string[];
  };
  /** Of an account that may read the repository, for an https URL. */
  token?: string;
}

export interface OpenDeps {
  /** Where workspaces are made; the system's temporary directory when left out. */
  work_root?: string;
  resolve?: ResolveHost;
  /** A file of certificates to trust in place of the system's. */
  ca_file?: string;
}

interface Opened {
  commits: [string, ...string[]];
  workspace: Workspace;
  request: OpenRequest;
}

const MAX_REFS = 8;
const MAX_DEPTH = 100_000;
/** As git looks for them: a NUL among the first bytes. */
const BINARY_HEAD_BYTES = 8_000;

/**
 * Copies commits of a repository into a workspace of their own and reads them there. Nothing is checked out, no setting
 * or hook of the source is in force, and a work tree is never looked at. Close it: it holds a directory and a process.
 * Throws `SourceFailure`, `AppError('egress_refused')` for an internal host, and the reason of `signal`.
 */
export async function openRepository(request: OpenRequest, deps: OpenDeps = {}): Promise<SourceRepository> {
  request.signal?.throwIfAborted();
  const workspace = await createWorkspace(deps.work_root);
  try {
    const commits = await fill(workspace, request, deps);
    return await repositoryOf({ commits, workspace, request });
  } catch (error) {
    await workspace.remove();
    throw error;
  }
}

async function fill(workspace: Workspace, request: OpenRequest, deps: OpenDeps): Promise<Opened['commits']> {
  const { limits, signal, repository } = request;
  const options = { workspace, signal, time_ms: limits.time_ms };
  await requireGit(options);
  await initRepository(options);
  if (typeof repository !== 'string') {
    await importArchive(repository.archive, limits, options);
    return [await commitOf(ARCHIVE_REF, options)];
  }
  const refs = refsOf(request);
  const depth = depthOf(request);
  if (repository.includes('://')) {
    const { url, settings } = await findRemoteRepository(repository, {
      ...deps,
      ...request.allow,
      token: request.token,
    });
    const fetched = await fetchRefs(
      { from: url, refs, depth, limits },
      { ...options, settings, protocol: 'https' },
    );
    return fetched as Opened['commits'];
  }
  const { git_dir } = await findLocalRepository(repository, request.allow.local_roots);
  // Its owner may be another account; the place was judged by the list.
  const from = `file://${encodeURI(git_dir).replaceAll('?', '%3F').replaceAll('#', '%23')}`;
  await workspace.trust(git_dir);
  return (await fetchRefs(
    { from, refs, depth, limits },
    { ...options, protocol: 'file' },
  )) as Opened['commits'];
}

function refsOf({ ref = 'HEAD', more_refs = [] }: OpenRequest): string[] {
  const refs = [ref, ...more_refs];
  const refusal = refs.map(refRefusal).find((reason) => reason !== null);
  if (refusal !== undefined) throw new SourceFailure('ref_not_found', `Not a ref: ${refusal}.`);
  if (refs.length > MAX_REFS) throw new SourceFailure('limit_exceeded', `At most ${MAX_REFS} refs are read.`);
  return refs;
}

function depthOf({ depth = 1 }: OpenRequest): number | null {
  if (depth === null || (Number.isInteger(depth) && depth >= 1 && depth <= MAX_DEPTH)) return depth;
  throw new SourceFailure('limit_exceeded', `The depth is a number from 1 to ${MAX_DEPTH}.`);
}

async function repositoryOf({ commits, workspace, request }: Opened): Promise<SourceRepository> {
  const { limits, signal } = request;
  const [commit, ...more_commits] = commits;
  const options = { workspace, signal, time_ms: limits.time_ms };
  const tree = await listTree(commit, limits.files, options);
  const by_path = new Map(tree.files.map((file) => [file.path, file]));
  const reader = objectReader(workspace, limits.time_ms);
  const readContent = async (file: SourceFile): Promise<FileContent> => {
    signal?.throwIfAborted();
    const { size_bytes } = file;
    if (size_bytes === null || size_bytes > limits.file_bytes) return { kind: 'too_large', size_bytes };
    return contentOf(await reader.read(file.blob));
  };
  signal?.addEventListener('abort', () => reader.close(), { once: true });
  return {
    commit,
    more_commits,
    tree: tree.files,
    truncated: tree.truncated,
    refused_paths: tree.refused_paths,
    readFile(path) {
      const file = by_path.get(path);
      if (file && file.mode !== 'submodule') return readContent(file);
      return Promise.reject(new AppError('not_found', { detail: 'The tree has no such file.' }));
    },
    changesBetween: (base, head) => changesBetween([base, head], limits, options),
    exportTo(directory) {
      // Half a tree builds something else.
      if (tree.truncated)
        return Promise.reject(new SourceFailure('limit_exceeded', 'The tree has too many files.'));
      return exportTree(directory, {
        tree: tree.files,
        readContent,
        total_bytes: limits.total_bytes,
        signal,
      });
    },
    async close() {
      reader.close();
      await workspace.remove();
    },
  };
}

function contentOf(bytes: Uint8Array): FileContent {
  const binary = bytes.subarray(0, BINARY_HEAD_BYTES).includes(0);
  return binary
    ? { kind: 'binary', bytes }
    : { kind: 'text', bytes, text: Buffer.from(bytes).toString('utf8') };
}
