import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { packageKey } from './package-key.ts';
import { isKnownEcosystem } from './affected.ts';
import { inParallel } from './in-parallel.ts';
import { readOsvDocument } from './osv-document.ts';

export interface IndexLimits {
  max_documents: number;
  /** A larger one is not read. */
  max_document_bytes: number;
}

/** Which files are about which packages. */
export interface DirectoryIndex {
  /** By `packageKey`. */
  files: ReadonlyMap<string, readonly string[]>;
  /** Files that are no OSV document. */
  unread: number;
  /** There are more than were read. */
  is_part: boolean;
}

interface Read {
  index: DirectoryIndex;
  /** Every directory as it was before it was read; undefined when that would not show the next change. */
  stamps: ReadonlyMap<string, string | undefined>;
}

const PARALLEL = 8;
const MAX_DEPTH = 8;
/** Clocks of file systems are coarse: a second change so soon may have the time of the first. */
const COARSE_MS = 2_000;

/**
 * The index of a directory as it is now: read when somebody asks first, and when one of its directories has changed.
 * Whoever asks meanwhile waits for the same reading. Rejects when the directory cannot be read.
 */
export function directoryIndex(directory: string, limits: IndexLimits): () => Promise<DirectoryIndex> {
  let last: Read | undefined;
  let going: Promise<Read> | undefined;

  async function current(): Promise<Read> {
    if (last && (await isAsItWas(last.stamps))) return last;
    last = undefined;
    last = await readAll(directory, limits);
    return last;
  }

  return async () => {
    going ??= current().finally(() => (going = undefined));
    return (await going).index;
  };
}

async function isAsItWas(stamps: Read['stamps']): Promise<boolean> {
  for (const [directory, stamp] of stamps) {
    const now = await stampOf(directory).catch(() => undefined);
    if (now === undefined || now !== stamp) return false;
  }
  return true;
}

async function stampOf(directory: string): Promise<string | undefined> {
  const { dev, ino, mtimeNs, mtimeMs } = await stat(directory, { bigint: true });
  const is_fresh = Math.abs(Date.now() - Number(mtimeMs)) < COARSE_MS;
  return is_fresh ? undefined : `${dev}:${ino}:${mtimeNs}`;
}

async function readAll(directory: string, limits: IndexLimits): Promise<Read> {
  const stamps = new Map<string, string | undefined>();
  const listed: string[] = [];
  await listFiles(directory, 0, { limits, stamps, listed });
  const files = new Map<string, string[]>();
  let unread = 0;
  const never = new AbortController().signal;
  await inParallel(
    listed.slice(0, limits.max_documents),
    { parallel: PARALLEL, signal: never },
    async (file) => {
      const keys = await keysOf(file, limits);
      if (!keys) unread += 1;
      for (const key of keys ?? []) files.set(key, appended(files.get(key), file));
    },
  );
  return { index: { files, unread, is_part: listed.length > limits.max_documents }, stamps };
}

/** Every `.json` file, one more than the limit at most. Links are not followed, hidden directories are left out. */
async function listFiles(
  directory: string,
  depth: number,
  all: { limits: IndexLimits; stamps: Map<string, string | undefined>; listed: string[] },
): Promise<void> {
  all.stamps.set(directory, await stampOf(directory));
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (all.listed.length > all.limits.max_documents) return;
    const at = path.join(directory, entry.name);
    if (entry.isFile() && entry.name.endsWith('.json')) all.listed.push(at);
    else if (entry.isDirectory() && !entry.name.startsWith('.') && depth < MAX_DEPTH)
      await listFiles(at, depth + 1, all);
  }
}

/** The packages that a document is about; undefined when it is none. */
async function keysOf(file: string, limits: IndexLimits): Promise<Set<string> | undefined> {
  try {
    if ((await stat(file)).size > limits.max_document_bytes) return undefined;
    const document = readOsvDocument(await readFile(file, 'utf8'));
    const packages = document?.affected.flatMap((entry) => entry.package ?? []);
    return packages && new Set(packages.filter((one) => isKnownEcosystem(one.ecosystem)).map(packageKey));
  } catch {
    return undefined;
  }
}

function appended<T>(list: T[] = [], item: T): T[] {
  list.push(item);
  return list;
}
