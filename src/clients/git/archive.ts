import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract, type Extract, type Header } from 'tar-stream';
import { type RepositoryLimits, SourceFailure } from '../../contract/source-repository.ts';
import { type GitOptions, runGit } from './git-process.ts';
import { linkStaysInside, pathRefusal } from './tree-path.ts';

export const ARCHIVE_REF = 'refs/orchestrator/0';

type Entry = Extract extends AsyncIterable<infer E> ? E : never;
type Options = Omit<GitOptions, 'output_bytes' | 'watch' | 'input' | 'cut_output'>;

const OUTPUT_BYTES = 1024 * 1024;
const GZIP = [0x1f, 0x8b];
/** The same files make the same commit, whenever and by whomever they are uploaded. */
const COMMIT =
  'commit refs/orchestrator/0\ncommitter orchestrator <orchestrator@localhost> 0 +0000\ndata 0\n';

/**
 * Stores the files of a tar, plain or gzip, as one commit under `ARCHIVE_REF`. Nothing is written but objects of git.
 * Entries of a `.git` directory are left out; the archive is refused for a path or symbolic link that leads out of it,
 * a device, a hard link, a path that comes twice, and more files or bytes than allowed.
 * Throws `SourceFailure` `archive_invalid` or `limit_exceeded`.
 */
export async function importArchive(
  archive: Readable,
  limits: RepositoryLimits,
  options: Options,
): Promise<void> {
  let failure: unknown;
  const input = (async function* () {
    try {
      yield* commands(archive, limits);
    } catch (error) {
      failure = error;
    } finally {
      archive.destroy();
    }
  })();
  const imported = await runGit(['fast-import', '--quiet', '--done'], {
    ...options,
    input,
    output_bytes: OUTPUT_BYTES,
  });
  if (failure instanceof SourceFailure) throw failure;
  if (failure !== undefined || imported.exit_code !== 0) {
    throw new SourceFailure(
      'archive_invalid',
      'The archive cannot be read.',
      failure ?? new Error(imported.stderr),
    );
  }
}

/** What fast-import is told. It is told `done` only when all of the archive was good. */
async function* commands(archive: Readable, limits: RepositoryLimits): AsyncGenerator<Uint8Array> {
  yield Buffer.from(COMMIT);
  const unpack = extract();
  const source = await gunzipped(archive);
  const fed = feed(source, unpack, limits.total_bytes);
  // Its error also breaks `unpack`, where it is seen.
  fed.catch(() => undefined);
  const taken = takenPaths(limits);
  for await (const entry of unpack) {
    const kind = taken.accept(entry.header);
    if (kind === 'skip') {
      entry.resume();
      continue;
    }
    const mode =
      kind === 'symlink' ? '120000' : ((entry.header.mode ?? 0) & 0o111) !== 0 ? '100755' : '100644';
    yield Buffer.from(`M ${mode} inline ${quoted(pathIn(entry.header))}\n`);
    if (kind === 'file') yield* contentOf(entry);
    else {
      entry.resume();
      const target = Buffer.from(entry.header.linkname ?? '');
      yield Buffer.concat([Buffer.from(`data ${target.length}\n`), target, Buffer.from('\n')]);
    }
  }
  await fed;
  yield Buffer.from('done\n');
}

/** Whether an archive is compressed is told by its first bytes. */
async function gunzipped(archive: Readable): Promise<AsyncIterable<Buffer>> {
  const chunks = archive[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const head: Buffer[] = [];
  for (let bytes = 0; bytes < GZIP.length;) {
    const next = await chunks.next();
    if (next.done) break;
    head.push(Buffer.from(next.value));
    bytes += next.value.length;
  }
  const start = Buffer.concat(head);
  const all = (async function* () {
    if (start.length > 0) yield start;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  })();
  return GZIP.every((byte, i) => start[i] === byte) ? decompress(all) : all;
}

function decompress(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  void (async () => {
    try {
      for await (const chunk of chunks) {
        if (gunzip.destroyed) return;
        if (!gunzip.write(chunk)) await writable(gunzip);
      }
      gunzip.end();
    } catch (error) {
      gunzip.destroy(error as Error);
    }
  })();
  return gunzip;
}

async function feed(source: AsyncIterable<Buffer>, unpack: Extract, max_bytes: number): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > max_bytes) throw new SourceFailure('limit_exceeded', 'The archive is larger than allowed.');
      if (unpack.destroyed) return;
      if (!unpack.write(chunk)) await writable(unpack);
    }
    unpack.end(null);
  } catch (error) {
    unpack.destroy(error as Error);
    throw error;
  }
}

/** Resolves when it takes more, or nothing any more. */
function writable(stream: Pick<NodeJS.EventEmitter, 'on' | 'off'>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

function takenPaths(limits: RepositoryLimits) {
  const files = new Set<string>();
  const folders = new Set<string>();
  let entries = 0;
  const refuse = (reason: string): never => {
    throw new SourceFailure('archive_invalid', `The archive holds ${reason}.`);
  };
  return {
    /** What to do with an entry. */
    accept(header: Header): 'file' | 'symlink' | 'skip' {
      entries += 1;
      if (entries > limits.files * 2)
        throw new SourceFailure('limit_exceeded', 'The archive has too many entries.');
      const { type } = header;
      const path = pathIn(header);
      if (path.split('/').some((part) => part.toLowerCase() === '.git')) return 'skip';
      if (type === 'directory' && (path === '' || path === '.')) return 'skip';
      const refusal = pathRefusal(path);
      if (refusal !== null) refuse(refusal);
      if (type === 'directory') return 'skip';
      const kind = type === 'symlink' ? 'symlink' : 'file';
      if (kind === 'file' && type !== 'file' && type !== 'contiguous-file')
        refuse(`a ${type ?? 'strange entry'}`);
      if (kind === 'symlink' && !linkStaysInside(path, header.linkname ?? ''))
        refuse('a link that leads out of it');
      if (kind === 'file' && (header.size ?? 0) > limits.total_bytes) refuse('a file that is too large');
      if (files.has(path) || folders.has(path)) refuse('a path that is taken twice');
      for (const parent of parentsOf(path)) {
        if (files.has(parent)) refuse('a path that is taken twice');
        folders.add(parent);
      }
      files.add(path);
      if (files.size > limits.files)
        throw new SourceFailure('limit_exceeded', 'The archive has too many files.');
      return kind;
    },
  };
}

const pathIn = ({ name }: Header): string => name.replace(/^(\.\/)+/, '').replace(/\/$/, '');

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) parents.push(path.slice(0, at));
  return parents;
}

async function* contentOf(entry: Entry): AsyncGenerator<Uint8Array> {
  const { size = 0 } = entry.header;
  yield Buffer.from(`data ${size}\n`);
  let bytes = 0;
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== size) throw new SourceFailure('archive_invalid', 'The archive is cut off.');
  yield Buffer.from('\n');
}

/** In quotes a path may hold a line feed, a quote or a space at its end. */
function quoted(path: string): string {
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}
