import { availableParallelism } from 'node:os';
import type {
  Sandbox,
  SandboxIsolation,
  SandboxRequest,
  SandboxResult,
  SandboxRunOptions,
} from '../contract/sandbox.ts';
import { AppError } from '../contract/errors.ts';
import type { Backend } from './backend.ts';
import { causeOf } from './cancellation.ts';
import { chooseBackend, type Choice, type ChoiceOptions } from './choice.ts';
import { resolveLimits } from './limits.ts';
import { refusal } from './refusal.ts';
import { checkRequest } from './request.ts';
import { emptyResult } from './run-result.ts';
import { semaphore } from './semaphore.ts';
import type { Job } from './supervise.ts';
import { typescriptToJavascript } from './typescript.ts';

export interface SandboxOptions extends ChoiceOptions {
  /** Programs that run at once; the others wait their turn. Defaults to the number of cores. */
  max_concurrency?: number;
}

/**
 * Makes the sandbox of this worker: finds the interpreters, tries to break out of the strong back-end, and
 * reports. Call it once, in the main thread. Takes about 0.2 s; never throws for a host without a sandbox:
 * its report then says so, and `run` rejects with `sandbox_unavailable`.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const choice = await chooseBackend(options);
  const places = semaphore(options.max_concurrency ?? availableParallelism());
  options.log?.('sandbox probed', { ...choice.report });

  async function run(request: SandboxRequest, runOptions: SandboxRunOptions = {}): Promise<SandboxResult> {
    const refused = refusal(choice.report, request);
    const limits = resolveLimits(request.limits);
    if (refused && !mayUseWasm(choice, request)) throw refused;
    checkRequest(request, limits);
    const backend = backendFor(choice, request);
    const give = await places.acquire(runOptions.signal);
    if (give === null) return emptyResult(backend.isolation, causeOf(runOptions.signal));
    try {
      return await runOn(choice, backend, { request, limits, options: runOptions });
    } finally {
      give();
    }
  }

  return { report: choice.report, run };
}

/** QuickJS stands in only where namespaces are not to be had, for a caller that said so. */
function mayUseWasm({ wasm }: Choice, { language, accept_wasm }: SandboxRequest): boolean {
  return wasm !== null && accept_wasm === true && (language === 'javascript' || language === 'typescript');
}

/** QuickJS goes before a bare process: that one is no boundary at all. */
function backendFor(choice: Choice, request: SandboxRequest): Backend {
  const backend = mayUseWasm(choice, request) ? choice.wasm : choice.main;
  if (!backend) throw new AppError('sandbox_unavailable');
  return backend;
}

async function runOn(choice: Choice, backend: Backend, job: Job): Promise<SandboxResult> {
  const runtime = choice.runtimes[job.request.language];
  if ('missing' in runtime) throw new AppError('sandbox_unavailable', { detail: runtime.missing });
  if (job.request.language !== 'typescript')
    return backend.run({ ...job, runtime, source: job.request.source });
  try {
    const result = await typescriptToJavascript(job.request.source, job.request.module, job.limits.wall_ms);
    if ('javascript' in result) return await backend.run({ ...job, runtime, source: result.javascript });
    return notParsed(backend.isolation, result.problems, job);
  } catch (error) {
    if (error instanceof AppError) throw error;
    return {
      ...emptyResult(backend.isolation, 'sandbox_error'),
      detail: error instanceof Error ? error.message : String(error),
    };
  }
}

/** A program that is no TypeScript fails like a program that fails: with words on stderr. */
function notParsed(isolation: SandboxIsolation, problems: string, job: Job): SandboxResult {
  const stderr = problems.slice(0, job.limits.output_bytes);
  job.options.onOutput?.({ stream: 'stderr', text: stderr.slice(0, 5_000) });
  return {
    ...emptyResult(isolation, 'exited'),
    exit_code: 1,
    stderr,
    stderr_bytes: Buffer.byteLength(problems),
  };
}
