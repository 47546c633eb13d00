import { SourceFailure, type SourceFile, type SourceMode } from '../../contract/source-repository.ts';
import { type GitOptions, runGit } from './git-process.ts';
import { pathRefusal } from './tree-path.ts';

export interface Tree {
  files: SourceFile[];
  truncated: boolean;
  refused_paths: number;
}

const MODES: Readonly<Record<string, SourceMode>> = {
  '100644': 'file',
  '100664': 'file',
  '100755': 'executable',
  '120000': 'symlink',
  '160000': 'submodule',
};
/** Of a listing, per entry: more than the paths of real trees need on average. */
const ENTRY_BYTES = 600;
const MIN_LISTING_BYTES = 64 * 1024;

/** What a mode of git stands for; null for the absence of a file, and for what git does not write. */
export const modeOf = (octal: string): SourceMode | null => MODES[octal] ?? null;

/** The entries of a commit's tree, at most `files`. Throws `repository_invalid`. */
export async function listTree(
  commit: string,
  files: number,
  options: Omit<GitOptions, 'output_bytes'>,
): Promise<Tree> {
  const { exit_code, stdout, cut, stderr } = await runGit(
    ['ls-tree', '-r', '-l', '-z', '--full-tree', commit],
    {
      ...options,
      output_bytes: files * ENTRY_BYTES + MIN_LISTING_BYTES,
      cut_output: true,
    },
  );
  if (!cut && exit_code !== 0) {
    throw new SourceFailure(
      'repository_invalid',
      'The tree of the commit cannot be read.',
      new Error(stderr),
    );
  }
  return readListing(stdout, files, cut);
}

/** Reads the output of `ls-tree -r -l -z`, whose end may be missing. */
export function readListing(listing: Buffer, max_files: number, cut = false): Tree {
  const tree: Tree = { files: [], truncated: cut, refused_paths: 0 };
  for (let at = 0, end = listing.indexOf(0); end !== -1; at = end + 1, end = listing.indexOf(0, at)) {
    if (tree.files.length >= max_files) return { ...tree, truncated: true };
    const file = readEntry(listing.subarray(at, end));
    if (file) tree.files.push(file);
    else tree.refused_paths += 1;
  }
  return tree;
}

/** `<mode> <type> <id> <size, padded>`, a tab, the path. */
function readEntry(entry: Buffer): SourceFile | null {
  const tab = entry.indexOf(9);
  const [octal = '', , blob = '', size = ''] = entry.toString('latin1', 0, tab).split(/ +/);
  const mode = modeOf(octal);
  const path = pathOf(entry.subarray(tab + 1));
  if (!mode || path === null) return null;
  return { path, mode, blob, size_bytes: /^\d+$/.test(size) ? Number(size) : null };
}

/** The path as text; null when it is not UTF-8 or no file may have it. */
export function pathOf(bytes: Buffer): string | null {
  const path = bytes.toString('utf8');
  return pathRefusal(path) === null && Buffer.from(path).equals(bytes) ? path : null;
}
