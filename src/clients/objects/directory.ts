import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { OBJECT_KEY, ObjectMissing, type ObjectStore } from '../../contract/object-store.ts';
import { storeError } from './store-error.ts';

const PIECE_BYTES = 262_144;
/** What an object is called until it is whole. */
const PART = '.part';

/** Objects as files: `<first two digits>/<hash>.<UUID>`. For one machine, or for a file system that all processes share. */
export function directoryObjects(directory: string): ObjectStore {
  const fileOf = (key: string) => {
    if (!OBJECT_KEY.test(key)) throw new TypeError('not an object key');
    return path.join(directory, key.slice(0, 2), key.replace('/', '.'));
  };
  return {
    prefix: 'dir:',
    async put(key, size_bytes, slices) {
      const file = fileOf(key);
      const folder = path.dirname(file);
      const made = await mkdir(folder, { recursive: true, mode: 0o700 }).catch(storeError);
      await writeWhole(file + PART, size_bytes, slices);
      await rename(file + PART, file).catch(storeError);
      await syncFolder(folder).catch(storeError);
      if (made !== undefined) await syncFolder(directory).catch(storeError);
    },
    async *read(key, { start, end }) {
      const handle = await open(fileOf(key)).catch((error: unknown) => absent(directory, key, error));
      try {
        for (let at = start; at < end;) {
          const length = Math.min(PIECE_BYTES, end - at);
          const { buffer, bytesRead } = await handle
            .read(Buffer.allocUnsafeSlow(length), 0, length, at)
            .catch(storeError);
          if (bytesRead === 0) throw new ObjectMissing(key);
          yield buffer.subarray(0, bytesRead);
          at += bytesRead;
        }
      } finally {
        await handle.close();
      }
    },
    async delete(key) {
      const file = fileOf(key);
      await Promise.all([file, file + PART].map((name) => rm(name, { force: true }))).catch(storeError);
    },
    async *list() {
      for (const folder of await names(directory)) {
        for (const name of await names(path.join(directory, folder))) {
          const key = name.replace('.', '/');
          if (OBJECT_KEY.test(key)) yield key;
        }
      }
    },
  };
}

async function writeWhole(file: string, size_bytes: number, slices: AsyncIterable<Buffer>): Promise<void> {
  const handle = await open(file, 'w', 0o600).catch(storeError);
  try {
    await write(handle, size_bytes, slices);
    await handle.sync().catch(storeError);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function write(handle: FileHandle, size_bytes: number, slices: AsyncIterable<Buffer>): Promise<void> {
  let size = 0;
  for await (const bytes of slices) {
    await handle.writeFile(bytes).catch(storeError);
    size += bytes.length;
  }
  if (size !== size_bytes) throw new TypeError('not the slices of this object');
}

/** A name is only safe on disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where the directory itself is not there, nothing can be said about what is in it. */
async function absent(directory: string, key: string, cause: unknown): Promise<never> {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') storeError(cause);
  await access(directory).catch(storeError);
  throw new ObjectMissing(key, cause);
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' || error.code === 'ENOTDIR' ? [] : storeError(error),
  );
}
