import { constants } from 'node:fs';
import { mkdir, open, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import {
  type ExportReport,
  type FileContent,
  type SourceFile,
  SourceFailure,
} from '../../contract/source-repository.ts';
import { leadsInside } from './link-target.ts';

export interface ExportSource {
  tree: readonly SourceFile[];
  readContent(file: SourceFile): Promise<FileContent>;
  total_bytes: number;
  signal?: AbortSignal;
}

const MAX_LINK_BYTES = 4_096;
const MAX_SKIPPED = 100;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes files into a directory that does not exist yet, and removes it when that fails. Links come last, so that
 * nothing is written through one, and only those that lead to a place inside. Submodules are left out.
 * Throws `SourceFailure` `limit_exceeded` for a file that is too large.
 */
export async function exportTree(directory: string, source: ExportSource): Promise<ExportReport> {
  await mkdir(directory, { mode: 0o755 });
  try {
    return await writeTree(directory, source);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function writeTree(directory: string, source: ExportSource): Promise<ExportReport> {
  const report: ExportReport = { files: 0, bytes: 0, skipped: [] };
  const links = new Map<string, string>();
  const made = new Set<string>();
  for (const file of source.tree) {
    source.signal?.throwIfAborted();
    if (file.mode === 'submodule') skip(report, file.path, 'a submodule');
    else if (file.mode === 'symlink') links.set(file.path, await targetOf(file, source));
    else await writeFile(directory, file, { source, report, made });
  }
  await writeLinks(directory, links, report);
  return report;
}

async function writeFile(
  directory: string,
  file: SourceFile,
  { source, report, made }: { source: ExportSource; report: ExportReport; made: Set<string> },
): Promise<void> {
  const bytes = await bytesOf(file, source);
  report.bytes += bytes.length;
  if (report.bytes > source.total_bytes) {
    throw new SourceFailure('limit_exceeded', 'The tree is larger than allowed.');
  }
  const place = path.join(directory, file.path);
  const folder = path.dirname(place);
  if (!made.has(folder)) await mkdir(folder, { recursive: true, mode: 0o755 });
  made.add(folder);
  const handle = await open(place, CREATE, file.mode === 'executable' ? 0o755 : 0o644);
  try {
    await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
  report.files += 1;
}

async function bytesOf(file: SourceFile, source: ExportSource): Promise<Uint8Array> {
  const content = await source.readContent(file);
  if (content.kind !== 'too_large') return content.bytes;
  throw new SourceFailure('limit_exceeded', `The file ${JSON.stringify(file.path)} is larger than allowed.`);
}

async function targetOf(file: SourceFile, source: ExportSource): Promise<string> {
  const bytes = await bytesOf(file, source);
  const target = Buffer.from(bytes).toString('utf8');
  return bytes.length > MAX_LINK_BYTES || !Buffer.from(target).equals(bytes) ? '/' : target;
}

async function writeLinks(
  directory: string,
  links: ReadonlyMap<string, string>,
  report: ExportReport,
): Promise<void> {
  for (const [link, target] of links) {
    if (!leadsInside(link, links)) {
      skip(report, link, 'a link that leads out of the tree');
      continue;
    }
    const place = path.join(directory, link);
    await mkdirInside(directory, path.dirname(link), links);
    await symlink(target, place);
    report.files += 1;
  }
}

/** A folder that only links are in. A tree that has one below another link is a forged one. */
async function mkdirInside(
  directory: string,
  folder: string,
  links: ReadonlyMap<string, string>,
): Promise<void> {
  for (let parent = folder; parent !== '.'; parent = path.dirname(parent)) {
    if (links.has(parent)) throw new SourceFailure('repository_invalid', 'The tree uses a link as a folder.');
  }
  await mkdir(path.join(directory, folder), { recursive: true, mode: 0o755 });
}

function skip(report: ExportReport, path: string, reason: string): void {
  if (report.skipped.length < MAX_SKIPPED) report.skipped.push({ path, reason });
}
