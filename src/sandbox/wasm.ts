import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { SandboxResult } from '../contract/sandbox.ts';
import { AppError } from '../contract/errors.ts';
import type { Backend, ReadyJob } from './backend.ts';
import { causeOf } from './cancellation.ts';
import { FIXED_LIMITS } from './limits.ts';
import { outputCapture } from './output-capture.ts';
import { outputPacer } from './output-pacer.ts';
import { verdict } from './verdict.ts';
import { WASM_THREAD } from './wasm-program.ts';

interface OutputMessage {
  stream: 'stdout' | 'stderr';
  text: string;
}

interface EndMessage {
  exit_code?: number;
  out_of_memory?: boolean;
  late?: boolean;
  defect?: string;
  peak_memory_bytes?: number;
}

/** The thread stops the program itself at its wall limit; this much later the thread is ended from outside. */
const LATE_MS = 250;

/**
 * QuickJS compiled to WebAssembly, in a thread of its own: JavaScript with `console`, `args` and `stdin`, and
 * nothing of the host. For computation only: no files, no `require`, no timers.
 */
export function wasmBackend(): Backend {
  return { isolation: 'wasm', run };
}

async function run(job: ReadyJob): Promise<SandboxResult> {
  if (job.request.files && Object.keys(job.request.files).length > 0) {
    throw new AppError('sandbox_unavailable', {
      detail: 'The QuickJS sandbox has no file system, and the request has files.',
    });
  }
  const started_at = performance.now();
  const cause = verdict();
  const captures = {
    stdout: outputCapture(job.limits.output_bytes),
    stderr: outputCapture(job.limits.output_bytes),
  };
  const pacer = outputPacer(job.options.onOutput);
  const thread = new Worker(WASM_THREAD, { eval: true, env: {}, workerData: threadData(job), stdin: false });
  const end = await new Promise<EndMessage>((resolve) => {
    const stop = (why: Parameters<typeof cause.claim>[0]): void => {
      if (cause.claim(why)) resolve({});
    };
    thread.on('message', (message: OutputMessage | EndMessage) => {
      if (!('stream' in message)) return resolve(message);
      const chunk = Buffer.from(message.text);
      captures[message.stream].push(chunk);
      pacer.push(message.stream, chunk);
      if (captures.stdout.bytes() + captures.stderr.bytes() > FIXED_LIMITS.drained_output_bytes)
        stop('output_limit');
    });
    thread.once('error', (error) => resolve({ defect: error.message }));
    thread.once('exit', () => resolve({ defect: 'the thread ended early' }));
    setTimeout(() => stop('timeout'), job.limits.wall_ms + LATE_MS).unref();
    const onAbort = (): void => stop(causeOf(job.options.signal));
    if (job.options.signal?.aborted) onAbort();
    job.options.signal?.addEventListener('abort', onAbort, { once: true });
  });
  await thread.terminate();
  pacer.end();
  claimEnd(end, cause);
  return resultOf({ job, end, cause, captures, wall_ms: performance.now() - started_at });
}

function threadData({ request, limits, source }: ReadyJob): Record<string, unknown> {
  const stdin = request.stdin ?? '';
  return {
    quickjs: createRequire(import.meta.url).resolve('quickjs-emscripten'),
    source,
    file: request.module === 'esm' ? 'main.mjs' : 'main.cjs',
    esm: request.module === 'esm',
    args: request.args ?? [],
    stdin: typeof stdin === 'string' ? stdin : Buffer.from(stdin).toString('utf8'),
    memory_bytes: limits.memory_bytes,
    wall_ms: Math.min(limits.wall_ms, limits.cpu_ms),
  };
}

function claimEnd(end: EndMessage, cause: ReturnType<typeof verdict>): void {
  if (end.defect !== undefined) cause.claim('sandbox_error', end.defect);
  else if (end.late) cause.claim('timeout');
  else if (end.out_of_memory) cause.claim('memory_limit');
  else cause.claim('exited');
}

interface Ended {
  job: ReadyJob;
  end: EndMessage;
  cause: ReturnType<typeof verdict>;
  captures: Record<'stdout' | 'stderr', ReturnType<typeof outputCapture>>;
  wall_ms: number;
}

function resultOf({ end, cause, captures, wall_ms }: Ended): SandboxResult {
  const [stdout, stderr] = [captures.stdout.text(), captures.stderr.text()];
  const detail = cause.detail();
  return {
    exit_code: end.exit_code ?? null,
    signal: end.exit_code === undefined ? 'SIGKILL' : null,
    cause: cause.cause() ?? 'sandbox_error',
    isolation: 'wasm',
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_bytes: captures.stdout.bytes(),
    stderr_bytes: captures.stderr.bytes(),
    truncated: stdout.truncated || stderr.truncated,
    artifacts: [],
    // A thread has no counters of its own: the time is an upper bound; the memory of one that was stopped is not known.
    usage: {
      wall_ms: Math.round(wall_ms),
      cpu_ms: Math.round(wall_ms),
      peak_memory_bytes: end.peak_memory_bytes ?? 0,
    },
    ...(detail === undefined ? {} : { detail }),
  };
}
