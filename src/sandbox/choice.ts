import type { SandboxIsolation, SandboxReport } from '../contract/sandbox.ts';
import type { Backend } from './backend.ts';
import { bareProcessBackend } from './bare-process.ts';
import { findProgram } from './find-program.ts';
import { reportLanguages, reportWithout } from './language-report.ts';
import { findNamespaceTools } from './namespace-tools.ts';
import { namespacesBackend } from './namespaces.ts';
import { probe, type Weakness } from './probe.ts';
import { findRuntimes, type Runtimes } from './runtimes.ts';
import { wasmBackend } from './wasm.ts';

export interface ChoiceOptions {
  environment: 'development' | 'test' | 'production';
  /** Holds Go's build cache and, for bare processes, the work directories. */
  cache_dir: string;
  /** Directories, as in PATH, where interpreters are looked for after the system's own. */
  search_path?: string;
  /** Runs code as a plain child process when there is nothing better. Not a sandbox. */
  unsafe_process?: boolean;
  /** The second yes that production needs. */
  unsafe_process_in_production?: boolean;
  /** Tests only: this back-end and no other. */
  force_backend?: SandboxIsolation | 'none';
  log?: (message: string, facts: Record<string, unknown>) => void;
}

/** What will run programs on this host. */
export interface Choice {
  report: SandboxReport;
  runtimes: Runtimes;
  /** Runs every request, if there is one. */
  main: Backend | null;
  /** Runs the requests that accept it; only set where namespaces are not to be had. */
  wasm: Backend | null;
}

/** Chooses the back-end: namespaces if they hold, otherwise what was explicitly allowed, otherwise none. */
export async function chooseBackend(options: ChoiceOptions): Promise<Choice> {
  const runtimes = await findRuntimes({
    cache_dir: options.cache_dir,
    search_path: options.search_path ?? '',
  });
  const strong = await tryNamespaces(options, runtimes);
  if ('backend' in strong) return withMain(strong.backend, runtimes, {});
  const wasm = allows(options, 'wasm') ? wasmBackend() : null;
  const bare = allows(options, 'process') ? bareProcess(options) : null;
  if (bare) return { ...(await withMain(bare, runtimes, strong)), wasm };
  const isolation = wasm ? ('wasm' as const) : null;
  const languages = await reportWithout(strong.reason, wasm !== null);
  return {
    report: { available: wasm !== null, isolation, ...strong, languages },
    runtimes,
    main: null,
    wasm,
  };
}

type Strong = { backend: Backend } | NonNullable<Weakness>;

async function tryNamespaces(options: ChoiceOptions, runtimes: Runtimes): Promise<Strong> {
  if (!allows(options, 'namespaces'))
    return { reason: 'Namespaces are switched off here.', remedy: 'Switch them on.' };
  const found = findNamespaceTools();
  if (!('tools' in found)) return found;
  const backend = namespacesBackend(found.tools);
  const node = runtimes.javascript;
  if ('missing' in node)
    return { reason: node.missing, remedy: 'Put node or the cache directory where everybody may read it.' };
  const weakness = await probe(backend, node);
  return weakness ?? { backend };
}

function allows(options: ChoiceOptions, isolation: SandboxIsolation): boolean {
  if (options.force_backend !== undefined && options.force_backend !== isolation) return false;
  if (isolation !== 'process') return true;
  if (options.unsafe_process !== true) return false;
  return options.environment !== 'production' || options.unsafe_process_in_production === true;
}

function bareProcess({ cache_dir }: ChoiceOptions): Backend | null {
  const [shell, tar] = [findProgram('sh'), findProgram('tar')];
  return shell && tar ? bareProcessBackend({ shell, tar, cache_dir }) : null;
}

async function withMain(
  main: Backend,
  runtimes: Runtimes,
  why: Partial<NonNullable<Weakness>>,
): Promise<Choice> {
  const languages = await reportLanguages(main, runtimes);
  const report = { available: true, isolation: main.isolation, ...why, languages };
  return { report, runtimes, main, wasm: null };
}
