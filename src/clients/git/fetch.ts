import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type RepositoryLimits, SourceFailure } from '../../contract/source-repository.ts';
import { type GitOptions, runGit } from './git-process.ts';
import { isCommitId } from './ref-name.ts';

export interface FetchRequest {
  /** An URL, or the git directory of a local repository. */
  from: string;
  /** Refs of the far side, or full commit ids. */
  refs: readonly string[];
  /** Commits of each ref's history; all of it when null. */
  depth: number | null;
  limits: RepositoryLimits;
}

type Options = Omit<GitOptions, 'output_bytes' | 'watch' | 'input' | 'cut_output'>;

const OUTPUT_BYTES = 1024 * 1024;
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tbare = true\n';

/** Makes the workspace's repository, empty. */
export async function initRepository(options: Options): Promise<void> {
  const { workspace } = options;
  const made = await runGit(['init', '--quiet', '--bare', '--template=', workspace.git_dir], {
    ...options,
    output_bytes: OUTPUT_BYTES,
  });
  if (made.exit_code !== 0) {
    throw new SourceFailure('git_unavailable', 'Git cannot make a repository here.', new Error(made.stderr));
  }
}

/**
 * Fetches the refs into the workspace's repository and answers their commits, in their order. Only the objects and
 * refs come over: settings, hooks and work tree of the far side have no part in what is read from here on.
 * Throws `SourceFailure`: `ref_not_found`, `repository_unreachable`, `limit_exceeded`, `timeout`.
 */
export async function fetchRefs(request: FetchRequest, options: Options): Promise<string[]> {
  const { from, refs, depth, limits } = request;
  const specs = refs.map((ref, i) => `+${ref}:refs/orchestrator/${i}`);
  const args = ['fetch', '--progress', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];
  if (depth !== null) args.push(`--depth=${depth}`);
  // Without the content of large files; a comparison needs all content, so that with a history all of it comes.
  if (depth === 1) args.push(`--filter=blob:limit=${limits.file_bytes}`);
  const fetched = await runGit([...args, '--', from, ...specs], {
    ...options,
    output_bytes: OUTPUT_BYTES,
    watch: () => requireSize(options.workspace.git_dir, limits.total_bytes),
  });
  if (fetched.exit_code !== 0) throw fetchFailure(fetched.stderr);
  await requireSize(options.workspace.git_dir, limits.total_bytes);
  // Git noted whom to ask for what is missing; nobody is to be asked.
  await writeFile(path.join(options.workspace.git_dir, 'config'), CONFIG);
  return Promise.all(refs.map((_, i) => commitOf(`refs/orchestrator/${i}`, options)));
}

/** Throws `ref_not_found` for what leads to no commit. */
export async function commitOf(ref: string, options: Options): Promise<string> {
  const found = await runGit(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`], {
    ...options,
    protocol: undefined,
    settings: undefined,
    output_bytes: OUTPUT_BYTES,
  });
  const commit = found.stdout.toString('latin1').trim();
  if (found.exit_code === 0 && isCommitId(commit)) return commit;
  throw new SourceFailure('ref_not_found', 'The ref does not name a commit.');
}

/** What git says, by what it means; the first match counts. */
const MEANINGS: readonly (readonly [RegExp, () => SourceFailure])[] = [
  [
    /couldn't find remote ref|not our ref|unadvertised object|no such ref|remote error: upload-pack: not our ref/i,
    () => new SourceFailure('ref_not_found', 'The repository has no such ref.'),
  ],
  [
    /redirect/i,
    () =>
      new SourceFailure(
        'repository_unreachable',
        'The address redirects; name the repository by its own one.',
      ),
  ],
  [
    /Authentication failed|could not read Username|terminal prompts disabled|error: 40[13]/i,
    () => new SourceFailure('repository_unreachable', 'The repository asks for an account that may read it.'),
  ],
];

function fetchFailure(stderr: string): SourceFailure {
  const meaning = MEANINGS.find(([pattern]) => pattern.test(stderr))?.[1];
  const failure =
    meaning?.() ?? new SourceFailure('repository_unreachable', 'The repository could not be fetched.');
  failure.cause = new Error(stderr);
  return failure;
}

async function requireSize(directory: string, max_bytes: number): Promise<void> {
  if ((await sizeOf(directory, max_bytes)) > max_bytes) {
    throw new SourceFailure('limit_exceeded', 'The repository is larger than allowed.');
  }
}

/** Of all files below, at least until there are more than `enough`. Files may come and go meanwhile. */
async function sizeOf(directory: string, enough: number): Promise<number> {
  let bytes = 0;
  const waiting = [directory];
  while (waiting.length > 0 && bytes <= enough) {
    const folder = waiting.pop()!;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) waiting.push(place);
      else bytes += (await stat(place).catch(() => ({ size: 0 }))).size;
    }
  }
  return bytes;
}
