import { spawn } from 'node:child_process';
import { DeployFailure } from '../../contract/deployer.ts';

export interface CommandRequest {
  argv: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
  timeout_ms: number;
  signal?: AbortSignal;
  log?: (line: string) => void;
}

export interface CommandResult {
  exit_code: number;
  /** The last of what it wrote, to either stream, without the values of its environment. */
  output: string;
}

/** Where programs are looked for, whatever the worker's own environment says. */
export const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const OUTPUT_CHARS = 16_384;
const LINE_CHARS = 1_000;
/** Shorter values are words that stand everywhere. */
const SECRET_CHARS = 6;
const OPEN = new Set([
  'PATH',
  'HOME',
  'RELEASE_ID',
  'RELEASE_DIGEST',
  'RELEASE_ARTIFACT',
  'RELEASE_PREVIOUS',
]);

/** Waits until the other end of its input is closed. */
const GUARD = 'read -r _; kill -s KILL -- "-$1"';

/**
 * Runs a program without a shell, in a process group of its own that is killed at the end, when the time is over, when
 * `signal` aborts and when this process is killed. Any exit code is a result. Throws `DeployFailure` `timeout` or `deploy_failed` for a program that
 * cannot be started, and the reason of `signal`.
 */
export async function runCommand(request: CommandRequest): Promise<CommandResult> {
  const { argv, cwd, env, timeout_ms, signal, log } = request;
  signal?.throwIfAborted();
  const [file, ...args] = argv;
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const dismiss = guarded(child.pid);
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group is gone.
    }
  };
  let failure: unknown;
  const stop = (reason: unknown) => {
    failure ??= reason;
    kill();
  };
  const timer = setTimeout(
    () => stop(new DeployFailure('timeout', 'The command took too long.')),
    timeout_ms,
  );
  const onAbort = () => stop(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const mask = masker(env);
  // A value that is cut in two is not found any more, so that so much more is kept until it is masked.
  const kept_chars = OUTPUT_CHARS + 3 * Math.max(0, ...Object.values(env).map(({ length }) => length));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-kept_chars)));
  }
  try {
    const exit_code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', kill);
      child.once('close', (code) => resolve(code ?? -1));
    });
    if (failure !== undefined) throw failure as Error;
    const shown = mask(output).slice(-OUTPUT_CHARS);
    for (const line of shown.split('\n')) if (line !== '') log?.(line.slice(0, LINE_CHARS));
    return { exit_code, output: shown };
  } catch (error) {
    if (failure !== undefined || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new DeployFailure('deploy_failed', `${file} could not be started.`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    kill();
    dismiss();
  }
}

/** Has a process group killed should this process end without doing so; answers how to have it left alone. */
function guarded(group: number | undefined): () => void {
  if (group === undefined) return () => undefined;
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', String(group)], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  return () => void guard.kill('SIGKILL');
}

/** Takes the values of variables out of a text. */
export function masker(env: Readonly<Record<string, string>>): (text: string) => string {
  const values = Object.entries(env)
    .filter(([name, value]) => !OPEN.has(name) && value.length >= SECRET_CHARS)
    .flatMap(([, value]) => [
      value,
      Buffer.from(value).toString('base64'),
      encodeURIComponent(wellFormed(value)),
    ])
    .sort((a, b) => b.length - a.length);
  return (text) => values.reduce((rest, value) => rest.replaceAll(value, '***'), text);
}

/** A lone surrogate is nothing that could be encoded. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
