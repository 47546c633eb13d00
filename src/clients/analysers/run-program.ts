import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface ProgramRequest {
  /** Absolute path of the program. */
  file: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  timeout_ms: number;
  /** Of what it may write. */
  output_bytes: number;
  signal: AbortSignal;
}

export interface ProgramResult {
  /** -1 when a signal ended it. */
  exit_code: number;
  output: string;
}

/** Why a program of others gave no answer; its message names nothing but the program's fault. */
export class ProgramFailure extends Error {
  override readonly name = 'ProgramFailure';
}

const MIB = 1024 * 1024;
/** Where the program that sets them is missing, time and output are the limits. */
const PRLIMIT = '/usr/bin/prlimit';
const LIMITS = [`--data=${4_096 * MIB}`, `--fsize=${256 * MIB}`, '--core=0'];
const LIMITER = existsSync(PRLIMIT) ? [PRLIMIT, ...LIMITS] : [];

/**
 * Runs a program without a shell, in a process group of its own that is killed at the end, at a limit and when `signal` aborts. Any exit
 * code is a result. Throws `ProgramFailure`, and the reason of `signal`.
 */
export async function runProgram(request: ProgramRequest): Promise<ProgramResult> {
  const { file, args, cwd, env, timeout_ms, output_bytes, signal } = request;
  signal.throwIfAborted();
  const [first, ...rest] = [...LIMITER, file, ...args] as [string, ...string[]];
  const child = spawn(first, rest, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  let failure: unknown;
  const stop = (reason: unknown) => {
    failure ??= reason;
    killGroup(child);
  };
  const timer = setTimeout(() => stop(new ProgramFailure('took too long')), timeout_ms);
  const onAbort = () => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const output = collect(child, output_bytes, stop);
  try {
    const exit_code = await ended(child);
    if (failure !== undefined) throw failure as Error;
    return { exit_code, output: output() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    killGroup(child);
  }
}

function collect(child: ChildProcess, output_bytes: number, stop: (reason: unknown) => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= output_bytes) chunks.push(chunk);
    else stop(new ProgramFailure('had more to say than allowed'));
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', () => reject(new ProgramFailure('could not be started')));
    // What it started and left would hold the pipe.
    child.once('exit', () => killGroup(child));
    child.once('close', (code) => resolve(code ?? -1));
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty.
  }
}
