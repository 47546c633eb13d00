import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { SLICE_BYTES } from '../../contract/object-store.ts';
import { storeError } from './store-error.ts';

/** Bytes kept aside on disk until they are all there. */
export interface Spool {
  write(bytes: Buffer): Promise<void>;
  /** What was written, from the start, in slices, each only good until the next one is asked for. */
  slices(): AsyncGenerator<Buffer>;
  /** Gives the space back. Nothing may be under way. */
  close(): Promise<void>;
}

export interface Spools {
  open(): Promise<Spool>;
}

const PREFIX = 'orchestrator-upload-';
const STALE_MS = 3_600_000;

/**
 * Spools in a directory, which is made when needed. A file has no name any more before it holds the first byte, so
 * that its space comes back however the process ends. Trouble with the disk is `object_store_unavailable`.
 */
export function spoolDirectory(directory: string): Spools {
  let prepared: Promise<void> | undefined;
  return {
    async open() {
      prepared ??= prepare(directory).catch((error: unknown) => {
        prepared = undefined;
        throw error;
      });
      await prepared.catch(storeError);
      return spool(await openNameless(path.join(directory, PREFIX + randomUUID())).catch(storeError));
    },
  };
}

/** Makes the directory, and removes the empty files of processes that died between making and removing one. */
async function prepare(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    if (!name.startsWith(PREFIX)) continue;
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < Date.now() - STALE_MS) await rm(file, { force: true }).catch(() => undefined);
  }
}

async function openNameless(file: string): Promise<FileHandle> {
  const handle = await open(file, 'wx+', 0o600);
  await unlink(file);
  return handle;
}

function spool(handle: FileHandle): Spool {
  let size = 0;
  return {
    async write(bytes) {
      await handle.writeFile(bytes).catch(storeError);
      size += bytes.length;
    },
    async *slices() {
      const slice = Buffer.allocUnsafeSlow(SLICE_BYTES);
      for (let at = 0; at < size; at += SLICE_BYTES) {
        const length = Math.min(SLICE_BYTES, size - at);
        const { bytesRead } = await handle.read(slice, 0, length, at).catch(storeError);
        if (bytesRead !== length) storeError(new Error('the spooled file is shorter than what was written'));
        yield slice.subarray(0, length);
      }
    },
    close: () => handle.close(),
  };
}
