import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import type {
  SandboxIsolation,
  SandboxRequest,
  SandboxResult,
  SandboxRunOptions,
} from '../contract/sandbox.ts';
import { readArtifacts, type Artifacts } from './artifacts.ts';
import { stopOnAbort } from './cancellation.ts';
import { LAUNCHER_FD } from './launcher.ts';
import { FIXED_LIMITS, type ResolvedLimits } from './limits.ts';
import { outputCapture, type OutputCapture } from './output-capture.ts';
import { outputPacer } from './output-pacer.ts';
import { assembleResult } from './run-result.ts';
import { startGate } from './start-gate.ts';
import { readStatus } from './status-report.ts';
import { verdict, type Verdict } from './verdict.ts';
import { startWatchdog } from './watchdog.ts';

/** One process to start and watch; the back-ends differ only in this. */
export interface Launch {
  argv: readonly [string, ...string[]];
  /** The user, and group, to become before the start, without any further groups; ours when null. */
  uid: number | null;
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Descriptors from 5 on: bytes to be read there to their end, an own descriptor to hand over, or nothing. */
  inputs: readonly (Uint8Array | number | null)[];
  isolation: SandboxIsolation;
  detached: boolean;
  /** See `WatchdogTarget.mounts`. */
  mounts: readonly string[];
  /** Asks the program itself to end. */
  terminate(pid: number): void;
  /** Ends everything, at once and for sure. */
  kill(child: ChildProcess): void;
}

export interface Job {
  request: SandboxRequest;
  limits: ResolvedLimits;
  options: SandboxRunOptions;
}

/** After the end of the process its pipes are waited for this long: somebody else may hold them. */
const CLOSE_TIMEOUT_MS = 1_500;
const STATUS_BYTES = 4 * 1024;
const FIRST_INPUT_FD = Math.max(...Object.values(LAUNCHER_FD));

/** Starts one program, watches it to its end and tells how it went. Rejects for defects of our own only. */
export async function supervise(launch: Launch, job: Job): Promise<SandboxResult> {
  const started_at = performance.now();
  const cause = verdict();
  const child = start(launch, job.request);
  const gone = whenGone(child);
  const gate = startGate(child.stdio[LAUNCHER_FD.status] as Duplex | null, () => launch.kill(child));
  const kill = gate.kill;
  const claimAndKill = (...claim: Parameters<Verdict['claim']>): void => {
    if (cause.claim(...claim)) kill();
  };

  const output = collectOutput(child, job, claimAndKill);
  const status = collectStatus(child);
  const artifacts = collectArtifacts(child, job.limits, claimAndKill);
  const wall_timer = setTimeout(() => claimAndKill('timeout'), job.limits.wall_ms);
  const cancellation = stopOnAbort(job.options.signal, cause, {
    terminate: () => (child.pid !== undefined && gate.isOpen() ? launch.terminate(child.pid) : kill()),
    kill,
  });
  const watchdog = startWatchdog({ ...launch, ...job, pid: child.pid ?? 0, verdict: cause, exceeded: kill });

  try {
    const failure = await gone;
    const usage = watchdog.stop();
    closeStreams(child);
    output.pacer.end();
    return assembleResult({
      ...job,
      ...output,
      ...usage,
      cause,
      failure,
      isolation: launch.isolation,
      status: readStatus(status()),
      artifacts: await artifacts,
      wall_ms: performance.now() - started_at,
    });
  } finally {
    clearTimeout(wall_timer);
    cancellation.dispose();
    watchdog.stop();
  }
}

function start(launch: Launch, request: SandboxRequest): ChildProcess {
  const [file, ...argv] = launch.argv;
  const inputs = launch.inputs.map((input) =>
    input instanceof Uint8Array ? ('pipe' as const) : (input ?? 'ignore'),
  );
  const stdin = request.stdin === undefined ? 'ignore' : 'pipe';
  const stdio: StdioOptions = [stdin, 'pipe', 'pipe', 'pipe', 'pipe', ...inputs];
  const { cwd, env, detached, uid } = launch;
  // One exec less than setpriv: uid, gid and groups are set between fork and exec.
  const user = uid === null ? {} : { uid, gid: uid };
  const child = spawn(file, argv, { stdio, cwd, env, detached, ...user });
  if (child.stdin && request.stdin !== undefined) feed(child.stdin, request.stdin);
  launch.inputs.forEach((input, index) => {
    const pipe = child.stdio[FIRST_INPUT_FD + index] as Writable | null | undefined;
    if (input instanceof Uint8Array && pipe) feed(pipe, input);
  });
  return child;
}

/** A program may end without reading all; that is no error. */
function feed(pipe: Writable, bytes: Uint8Array | string): void {
  pipe.on('error', () => undefined);
  pipe.end(bytes);
}

/** Resolves when the process ended and its pipes are closed, or soon after; with the reason when it never started. */
function whenGone(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
    child.once('exit', () => {
      timer = setTimeout(() => resolve(null), CLOSE_TIMEOUT_MS);
    });
    child.once('close', () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
}

type ClaimAndKill = (...claim: Parameters<Verdict['claim']>) => void;

interface Output {
  stdout: OutputCapture;
  stderr: OutputCapture;
  pacer: ReturnType<typeof outputPacer>;
}

function collectOutput(child: ChildProcess, { limits, options }: Job, claimAndKill: ClaimAndKill): Output {
  const pacer = outputPacer(options.onOutput);
  const captures = { stdout: outputCapture(limits.output_bytes), stderr: outputCapture(limits.output_bytes) };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.on('data', (chunk: Buffer) => {
      captures[stream].push(chunk);
      pacer.push(stream, chunk);
      const drained = captures.stdout.bytes() + captures.stderr.bytes();
      if (drained > FIXED_LIMITS.drained_output_bytes) claimAndKill('output_limit');
    });
    child[stream]?.on('error', () => undefined);
  }
  return { ...captures, pacer };
}

function collectStatus(child: ChildProcess): () => string {
  const capture = outputCapture(STATUS_BYTES);
  const stream = child.stdio[LAUNCHER_FD.status] as Readable | undefined;
  stream?.on('data', (chunk: Buffer) => capture.push(chunk));
  stream?.on('error', () => undefined);
  return () => capture.text().text;
}

async function collectArtifacts(
  child: ChildProcess,
  limits: ResolvedLimits,
  claimAndKill: ClaimAndKill,
): Promise<Artifacts> {
  const stream = child.stdio[LAUNCHER_FD.artifacts] as Readable | undefined;
  if (!stream) return { accepted: [], refusals: [], overflow: false };
  const found = await readArtifacts(stream, {
    max_bytes: limits.artifact_bytes,
    max_entries: FIXED_LIMITS.artifact_entries,
  });
  if (found.overflow) claimAndKill('output_limit', found.refusals.join('; '));
  return found;
}

/** Whoever still holds the other end must not keep this process busy. */
function closeStreams(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.destroy();
}
