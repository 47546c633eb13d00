import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SandboxRequest } from '../../../contract/sandbox.ts';

type Words = Omit<SandboxRequest, 'files' | 'stdin'> & { stdin?: string };

/** What an agent keeps of an environment beside the program's files. */
interface Manifest {
  request: Words;
  /** Where each file's bytes are: names from outside never become names here. */
  files: Record<string, string>;
}

export interface EnvironmentFacts {
  files: number;
  bytes: number;
}

/**
 * Environments on an agent: a directory for each run, with the program and its files as they were when they were prepared.
 * It is there whole or not at all.
 */
export function environments(root: string) {
  const directoryOf = (run_id: string) => path.join(root, run_id);

  return {
    /** Writes an environment; one that is there is replaced. */
    async write(run_id: string, { files = {}, ...request }: SandboxRequest): Promise<EnvironmentFacts> {
      await mkdir(root, { recursive: true, mode: 0o700 });
      const staged = `${directoryOf(run_id)}.new`;
      await rm(staged, { recursive: true, force: true });
      await mkdir(staged, { mode: 0o700 });
      const manifest: Manifest = { request: request as Words, files: {} };
      let bytes = Buffer.byteLength(request.source);
      for (const [name, content] of Object.entries(files)) {
        const file = createHash('sha256').update(name).digest('hex');
        await writeFile(path.join(staged, file), content, { mode: 0o600 });
        manifest.files[name] = file;
        bytes += content.byteLength;
      }
      await writeFile(path.join(staged, MANIFEST), JSON.stringify(manifest), { mode: 0o600 });
      await rm(directoryOf(run_id), { recursive: true, force: true });
      await rename(staged, directoryOf(run_id));
      return { files: Object.keys(files).length, bytes };
    },

    /** Undefined where the run has none. */
    async read(run_id: string): Promise<SandboxRequest | undefined> {
      const directory = directoryOf(run_id);
      const text = await readFile(path.join(directory, MANIFEST), 'utf8').catch(undefinedIfMissing);
      if (text === undefined) return undefined;
      const { request, files } = JSON.parse(text) as Manifest;
      const contents = Object.entries(files).map(
        async ([name, file]) => [name, new Uint8Array(await readFile(path.join(directory, file)))] as const,
      );
      return { ...request, files: Object.fromEntries(await Promise.all(contents)) };
    },

    /** True when there was one. */
    async remove(run_id: string): Promise<boolean> {
      const was_there = (await readdir(directoryOf(run_id)).catch(undefinedIfMissing)) !== undefined;
      for (const directory of [directoryOf(run_id), `${directoryOf(run_id)}.new`])
        await rm(directory, { recursive: true, force: true });
      return was_there;
    },

    /** The runs that have something here, whole or not. */
    async list(): Promise<string[]> {
      const names = (await readdir(root).catch(undefinedIfMissing)) ?? [];
      return [...new Set(names.map((name) => name.replace(/\.new$/, '')))];
    },
  };
}

export type Environments = ReturnType<typeof environments>;

const MANIFEST = 'manifest.json';

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
