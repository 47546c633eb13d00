import type { SandboxRequest } from '../contract/sandbox.ts';
import type { ResolvedLimits } from './limits.ts';
import type { Runtime } from './runtimes.ts';

/** A request turned into something to start: which file, which command, which kind of memory limit. */
export interface Program {
  /** Name of the program's file in the work directory. */
  file: string;
  source: Buffer;
  argv: string[];
  /** Runs first, with the same limits; its failure is the result. */
  prepare?: string[];
  /**
   * The kernel's limit for each single process; the watchdog holds the request's own limit for all of them.
   * V8 and Go reserve far more address space than they use, so for them only data pages are limited.
   */
  memory_limit: { of: 'address_space' | 'data'; bytes: number };
  /** Set before the program and visible to it. */
  env: Readonly<Record<string, string>>;
}

export interface ProgramOptions {
  request: SandboxRequest;
  /** JavaScript when the language is typescript. */
  source: string;
  limits: ResolvedLimits;
  runtime: Runtime;
  work: string;
  tmp: string;
}

const MIB = 1024 * 1024;
/** Below this V8 hangs at start instead of failing. */
const MIN_V8_DATA_BYTES = 128 * MIB;
/** Denied pages end V8 in a segmentation fault without a word; the watchdog is left room to be first. */
const V8_HEADROOM_BYTES = 64 * MIB;
/** Go's runtime crashes in odd ways when pages are denied, so the watchdog is left time to see it first. */
const GO_HEADROOM_BYTES = 2_048 * MIB;

/** Plans how a request is started by its runtime. */
export function planProgram(options: ProgramOptions): Program {
  const { request, source, runtime, work, limits } = options;
  const address_space = { of: 'address_space', bytes: limits.memory_bytes } as const;
  const args = [...(request.args ?? [])];
  const base = { source: Buffer.from(source, 'utf8'), env: runtime.env ?? {} };
  switch (request.language) {
    case 'javascript':
    case 'typescript':
      return { ...base, ...planNode(options, args) };
    case 'python': {
      const file = 'main.py';
      const argv = [runtime.executable, '-I', '-u', ...pythonStart(request, work, file), ...args];
      return { ...base, file, argv, memory_limit: address_space };
    }
    case 'bash': {
      const file = 'main.sh';
      const argv = [runtime.executable, '--noprofile', '--norc', `${work}/${file}`, ...args];
      return { ...base, file, argv, memory_limit: address_space };
    }
    case 'go': {
      const file = 'main.go';
      const binary = `${options.tmp}/program`;
      const prepare = [runtime.executable, 'build', '-o', binary, `${work}/${file}`];
      const memory_limit = { of: 'data', bytes: limits.memory_bytes + GO_HEADROOM_BYTES } as const;
      return { ...base, file, prepare, argv: [binary, ...args], memory_limit };
    }
  }
}

type NodePlan = Pick<Program, 'file' | 'argv' | 'memory_limit'>;

function planNode({ request, limits, runtime, work }: ProgramOptions, args: readonly string[]): NodePlan {
  const file = request.module === 'esm' ? 'main.mjs' : 'main.cjs';
  const heap_mib = Math.max(Math.floor((limits.memory_bytes * 0.75) / MIB), 16);
  const flags = [`--max-old-space-size=${heap_mib}`];
  if (request.language === 'typescript') flags.push('--enable-source-maps');
  const argv = [runtime.executable, ...flags, `${work}/${file}`, ...args];
  const bytes = Math.max(limits.memory_bytes + V8_HEADROOM_BYTES, MIN_V8_DATA_BYTES);
  return { file, argv, memory_limit: { of: 'data', bytes } };
}

/** `-I` keeps the program's directory off the import path; modules that came along are meant to be imported. */
function pythonStart(request: SandboxRequest, work: string, file: string): string[] {
  const path = `${work}/${file}`;
  if (!Object.keys(request.files ?? {}).some((name) => name.endsWith('.py'))) return [path];
  const start = `import sys, runpy; sys.path.insert(0, ${JSON.stringify(work)}); sys.argv[0] = ${JSON.stringify(path)}; runpy.run_path(sys.argv[0], run_name="__main__")`;
  return ['-c', start];
}
