import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SourceFailure } from '../../contract/source-repository.ts';
import type { Workspace } from './workspace.ts';

export interface GitOptions {
  workspace: Workspace;
  time_ms: number;
  signal?: AbortSignal;
  /** The one protocol that may be spoken; none when left out. */
  protocol?: 'file' | 'https';
  /** Further settings; they go through the environment, where other users of the machine cannot read them. */
  settings?: Readonly<Record<string, string>>;
  /** Read by git; nothing when left out. */
  input?: AsyncIterable<Uint8Array>;
  /** Of the output; `limit_exceeded` past it, or a cut output with `cut_output`. */
  output_bytes: number;
  cut_output?: boolean;
  /** Looked at now and then while git runs; what it throws ends git and is the error. */
  watch?: () => Promise<void>;
}

export interface GitResult {
  exit_code: number;
  stdout: Buffer;
  /** The last of what git said, for finding out what went wrong; it may name paths and hosts. */
  stderr: string;
  /** The output was longer than allowed. */
  cut: boolean;
}

const STDERR_CHARS = 16_384;
const WATCH_MS = 100;
/** Where git and its helpers are looked for; the environment of this process says nothing about it. */
const PATH = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';
/** A few kilobytes of forged objects can ask for any amount of memory. Where the program is missing, time is the limit. */
const MEMORY_BYTES = 2 * 1024 * 1024 * 1024;
const PRLIMIT = '/usr/bin/prlimit';
const LIMITER = existsSync(PRLIMIT) ? [PRLIMIT, `--as=${MEMORY_BYTES}`, '--core=0'] : [];

/**
 * Runs git without a shell and without any setting, credential or hook of the machine, in a process group of its own
 * that is killed at the end, at a limit and when `signal` aborts. Any exit code is a result.
 * Throws `SourceFailure` `timeout`, `limit_exceeded` or `git_unavailable`, and the reason of `signal`.
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  options.signal?.throwIfAborted();
  const child = startGit(args, options);
  let failure: unknown;
  const stop = (error?: unknown) => {
    failure ??= error;
    killGroup(child);
  };
  const timer = setTimeout(() => stop(new SourceFailure('timeout', 'Git took too long.')), options.time_ms);
  const onAbort = () => stop(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const watcher = options.watch && startWatch(options.watch, stop);
  try {
    const output = collectOutput(child, options, stop);
    const fed = feed(child, options.input).catch(stop);
    const exit_code = await ended(child);
    await fed;
    if (failure !== undefined) throw failure as Error;
    return { exit_code, ...output() };
  } finally {
    clearTimeout(timer);
    watcher?.();
    options.signal?.removeEventListener('abort', onAbort);
    killGroup(child);
  }
}

/** Starts git as `runGit` does, for whoever talks to it while it runs; `killGroup` ends it. */
export function startGit(
  args: readonly string[],
  options: Pick<GitOptions, 'workspace' | 'protocol' | 'settings'>,
): ChildProcessWithoutNullStreams {
  const { directory } = options.workspace;
  const [file, ...argv] = [...LIMITER, 'git', ...args] as [string, ...string[]];
  return spawn(file, argv, {
    cwd: directory,
    env: environment(options),
    detached: true,
    stdio: 'pipe',
  });
}

/** Ends a process that leads a group, with all its children. */
export function killGroup({ pid }: { pid?: number | undefined }): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty.
  }
}

function environment({
  workspace,
  protocol,
  settings,
}: Pick<GitOptions, 'workspace' | 'protocol' | 'settings'>) {
  const given = Object.entries({
    'protocol.allow': 'never',
    ...(protocol && { [`protocol.${protocol}.allow`]: 'always' }),
    ...settings,
  });
  return {
    PATH,
    HOME: workspace.directory,
    GIT_DIR: workspace.git_dir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: `${workspace.directory}/gitconfig`,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
    GIT_CONFIG_COUNT: String(given.length),
    ...Object.fromEntries(
      given.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, key],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
  };
}

function collectOutput(
  child: ChildProcessWithoutNullStreams,
  { output_bytes, cut_output = false }: GitOptions,
  stop: (error?: unknown) => void,
): () => Omit<GitResult, 'exit_code'> {
  const chunks: Buffer[] = [];
  let [bytes, stderr, cut] = [0, '', false];
  child.stdout.on('data', (chunk: Buffer) => {
    const room = output_bytes - bytes;
    bytes += chunk.length;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    if (bytes <= output_bytes || cut) return;
    cut = true;
    stop(cut_output ? undefined : new SourceFailure('limit_exceeded', 'Git had more to say than allowed.'));
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-STDERR_CHARS)));
  return () => ({ stdout: Buffer.concat(chunks), stderr, cut });
}

/** Git may end without reading all of it; its exit code tells why. */
async function feed(
  child: ChildProcessWithoutNullStreams,
  input: AsyncIterable<Uint8Array> = none(),
): Promise<void> {
  const { stdin } = child;
  let broken = false;
  stdin.on('error', () => (broken = true));
  try {
    for await (const chunk of input) {
      if (broken || child.exitCode !== null || child.signalCode !== null) break;
      if (!stdin.write(chunk)) await drained(child);
    }
  } finally {
    stdin.end();
  }
}

async function* none(): AsyncIterable<Uint8Array> {}

function drained(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      child.stdin.off('drain', done).off('close', done);
      child.off('exit', done);
      resolve();
    };
    child.stdin.on('drain', done).on('close', done);
    child.on('exit', done);
  });
}

/** The exit code, once nothing holds the pipes any more; -1 when a signal ended it. */
function ended(child: ChildProcessWithoutNullStreams): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new SourceFailure('git_unavailable', 'Git is not installed, or cannot be started.', cause)),
    );
    // A helper that outlived git would hold the pipes.
    child.once('exit', () => killGroup(child));
    child.once('close', (code) => resolve(code ?? -1));
  });
}

function startWatch(watch: () => Promise<void>, stop: (error: unknown) => void): () => void {
  let timer: NodeJS.Timeout;
  const again = () => {
    timer = setTimeout(() => void watch().then(again, stop), WATCH_MS);
  };
  again();
  return () => clearTimeout(timer);
}
