import type { Readable } from 'node:stream';
import { extract, type Extract, type Header } from 'tar-stream';
import type { SandboxArtifact } from '../contract/sandbox.ts';
import { pathRefusal } from './artifact-path.ts';

export interface ArtifactLimits {
  max_bytes: number;
  max_entries: number;
}

export interface Artifacts {
  accepted: SandboxArtifact[];
  /** Why entries were left out, or why reading stopped; empty when all was taken. */
  refusals: string[];
  /** Set when the stream went over a limit and was cut off. */
  overflow: boolean;
}

/** The directory whose tar is read; every member must lie below it. */
const ROOT = 'out';
/** Header, padding and long names of one entry, generously. */
const ENTRY_OVERHEAD_BYTES = 4 * 1024;
const MAX_REFUSALS = 20;

/**
 * Reads the tar that a sandbox sent of its outputs. The stream is hostile: only files and directories are
 * accepted, each at a path below `out`, and reading stops at the first byte or entry over the limits.
 * Never rejects; a broken stream ends with what was complete before.
 */
export async function readArtifacts(stream: Readable, limits: ArtifactLimits): Promise<Artifacts> {
  const found: Artifacts = { accepted: [], refusals: [], overflow: false };
  const unpack = extract();
  const raw_limit = limits.max_bytes + limits.max_entries * ENTRY_OVERHEAD_BYTES;
  let raw_bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    raw_bytes += chunk.length;
    if (raw_bytes > raw_limit) unpack.destroy(new Overflow('the output archive is too large'));
    else if (!unpack.destroyed) unpack.write(chunk);
  });
  stream.once('end', () => unpack.end(null));
  stream.once('error', (error) => unpack.destroy(error));
  stream.once('close', () => unpack.end(null));
  try {
    await acceptAll(unpack, limits, found);
  } catch (error) {
    found.overflow = error instanceof Overflow;
    refuse(found, error instanceof Overflow ? error.message : 'the output archive is broken');
  }
  // What still comes is read and dropped, so that a full pipe holds nobody up.
  stream.resume();
  return found;
}

class Overflow extends Error {}

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

interface Taken {
  files: Set<string>;
  parents: Set<string>;
}

async function acceptAll(
  unpack: AsyncIterable<Entry>,
  limits: ArtifactLimits,
  found: Artifacts,
): Promise<void> {
  const taken: Taken = { files: new Set(), parents: new Set() };
  let entries = 0;
  let bytes = 0;
  for await (const entry of unpack) {
    entries += 1;
    if (entries > limits.max_entries + 1)
      throw new Overflow(`more than ${limits.max_entries} entries in /work/out`);
    const path = below(entry.header.name);
    const refusal = entryRefusal(entry.header, path) ?? clash(entry.header, path, taken);
    if (refusal === null && entry.header.type === 'file') {
      bytes += entry.header.size;
      if (bytes > limits.max_bytes) throw new Overflow(`more than ${limits.max_bytes} bytes in /work/out`);
      found.accepted.push({ path, bytes: await readAll(entry) });
      taken.files.add(path);
      ancestors(path).forEach((parent) => taken.parents.add(parent));
      continue;
    }
    if (refusal !== null) refuse(found, refusal);
    entry.resume();
  }
}

function below(name: string): string {
  const path = name.replace(/^\.\//, '').replace(/\/$/, '');
  if (path === ROOT) return '';
  return path.startsWith(`${ROOT}/`) ? path.slice(ROOT.length + 1) : `/${path}`;
}

function entryRefusal(header: Header, path: string): string | null {
  if (header.type !== 'file' && header.type !== 'directory')
    return `a ${header.type ?? 'member of unknown type'}`;
  if (header.type === 'directory' && path === '') return null;
  return pathRefusal(path);
}

/** A forged archive may name one path twice, or use a file as a directory. */
function clash(header: Header, path: string, taken: Taken): string | null {
  const as_file = header.type === 'file' && taken.parents.has(path);
  const twice = as_file || taken.files.has(path) || ancestors(path).some((parent) => taken.files.has(parent));
  return twice ? 'a path that is taken twice' : null;
}

function ancestors(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

async function readAll(entry: Entry): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  const bytes = new Uint8Array(Buffer.concat(chunks));
  if (bytes.length !== entry.header.size) throw new Error('a member is shorter than it says');
  return bytes;
}

function refuse(found: Artifacts, reason: string): void {
  if (found.refusals.length < MAX_REFUSALS && !found.refusals.includes(reason)) found.refusals.push(reason);
}
