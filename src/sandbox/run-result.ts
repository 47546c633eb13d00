import type { SandboxCause, SandboxIsolation, SandboxRequest, SandboxResult } from '../contract/sandbox.ts';
import type { Artifacts } from './artifacts.ts';
import type { ResolvedLimits } from './limits.ts';
import type { OutputCapture } from './output-capture.ts';
import type { StatusReport } from './status-report.ts';
import type { Verdict } from './verdict.ts';

export interface RunFacts {
  request: SandboxRequest;
  limits: ResolvedLimits;
  cause: Verdict;
  /** Why the process never started. */
  failure: string | null;
  status: StatusReport;
  stdout: OutputCapture;
  stderr: OutputCapture;
  artifacts: Artifacts;
  isolation: SandboxIsolation;
  wall_ms: number;
  cpu_ms: number;
  peak_memory_bytes: number;
}

/** Puts what was seen of a run into one result with one cause. */
export function assembleResult(facts: RunFacts): SandboxResult {
  const { status, artifacts } = facts;
  const stdout = facts.stdout.text();
  const stderr = facts.stderr.text();
  const cause = facts.cause.cause() ?? causeOfEnd(facts, stderr.text);
  const killed = !status.ended && cause !== 'sandbox_error';
  const detail = detailOf(facts, cause, stderr.text);
  return {
    exit_code: status.exit_code,
    signal: killed ? 'SIGKILL' : status.signal,
    cause,
    isolation: facts.isolation,
    stdout: stdout.text,
    // Before the program started only the sandbox itself wrote there, and that is in the detail.
    stderr: cause === 'sandbox_error' && !status.started ? '' : stderr.text,
    stdout_bytes: facts.stdout.bytes(),
    stderr_bytes: facts.stderr.bytes(),
    truncated: stdout.truncated || stderr.truncated || artifacts.overflow,
    artifacts: artifacts.accepted,
    usage: {
      wall_ms: Math.round(facts.wall_ms),
      cpu_ms: Math.round(Math.max(facts.cpu_ms, status.cpu_ms)),
      peak_memory_bytes: facts.peak_memory_bytes,
    },
    ...(detail === undefined ? {} : { detail }),
  };
}

/** The cause of a run that nobody stopped. */
function causeOfEnd(facts: RunFacts, stderr: string): SandboxCause {
  const { status, request, limits, cpu_ms } = facts;
  if (!status.started || !status.ended) return 'sandbox_error';
  if (status.exit_code === 0) return 'exited';
  const spent_ms = Math.max(cpu_ms, status.cpu_ms);
  if (status.signal === 'SIGXCPU' || (status.signal === 'SIGKILL' && spent_ms >= limits.cpu_ms))
    return 'cpu_limit';
  if (status.signal === 'SIGXFSZ' || status.disk_full) return 'disk_limit';
  if (ranOutOfMemory(request, stderr) || crashedNearLimit(facts)) return 'memory_limit';
  return status.signal === null ? 'exited' : 'signaled';
}

const OUT_OF_MEMORY: Readonly<Record<SandboxRequest['language'], RegExp>> = {
  javascript: /JavaScript heap out of memory|Fatal process out of memory|Array buffer allocation failed/,
  typescript: /JavaScript heap out of memory|Fatal process out of memory|Array buffer allocation failed/,
  python: /^MemoryError\b/m,
  bash: /cannot allocate \d+ bytes|Cannot allocate memory|memory exhausted/,
  go: /^(fatal error|runtime): .*(out of memory|cannot allocate|cannot map pages)/m,
};

/** The kernel's limit makes an allocation fail, and the runtime then ends with words of its own. */
function ranOutOfMemory(request: SandboxRequest, stderr: string): boolean {
  return OUT_OF_MEMORY[request.language].test(stderr);
}

const CRASHES = ['SIGSEGV', 'SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGBUS'];

/** Some runtimes only crash when the kernel denies them memory. */
function crashedNearLimit({ status, limits, peak_memory_bytes }: RunFacts): boolean {
  return CRASHES.includes(status.signal ?? '') && peak_memory_bytes > limits.memory_bytes * 0.8;
}

function detailOf(facts: RunFacts, cause: SandboxCause, stderr: string): string | undefined {
  if (cause === 'sandbox_error') {
    const said = facts.status.started ? '' : stderr.trim();
    return (
      facts.cause.detail() ?? facts.failure ?? (said || 'the sandbox ended without a word about the program')
    );
  }
  const { refusals } = facts.artifacts;
  return (
    facts.cause.detail() ??
    (refusals.length > 0 ? `left out of the artifacts: ${refusals.join(', ')}` : undefined)
  );
}

/** The result of a run that ended before there was a process. */
export function emptyResult(isolation: SandboxIsolation, cause: SandboxCause): SandboxResult {
  return {
    exit_code: null,
    signal: null,
    cause,
    isolation,
    stdout: '',
    stderr: '',
    stdout_bytes: 0,
    stderr_bytes: 0,
    truncated: false,
    artifacts: [],
    usage: { wall_ms: 0, cpu_ms: 0, peak_memory_bytes: 0 },
  };
}
