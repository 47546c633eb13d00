import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  FileAnalysis,
  FileFacts,
  Finding,
  FindingArea,
  SourceFile,
} from '../../../contract/findings.ts';

export type AnalyserTask =
  | { kind: 'file'; file: SourceFile; areas: readonly FindingArea[] }
  | { kind: 'tree'; facts: FileFacts[]; areas: readonly FindingArea[] };

/** Carries analyses out one at a time, in a process that may be ended at any moment. */
export interface Analyser {
  /** Undefined for a file that took longer than it may. Rejects with the reason of `signal`. */
  file(
    file: SourceFile,
    areas: readonly FindingArea[],
    signal: AbortSignal,
  ): Promise<FileAnalysis | undefined>;
  /** What can only be seen of all files together; undefined when that took longer than it may. */
  tree(
    facts: FileFacts[],
    areas: readonly FindingArea[],
    signal: AbortSignal,
  ): Promise<Finding[] | undefined>;
}

const LIMITS_MS = { file: 20_000, tree: 120_000 };
const MEMORY_MB = 512;
/** A process that nobody needs is ended. */
const IDLE_MS = 30_000;

/** As we are: a source that tsx reads, or a build. */
const EXTENSION = path.extname(import.meta.url);
const PROGRAM = fileURLToPath(new URL(`./analyser-process${EXTENSION}`, import.meta.url));
const EXEC_ARGV = [...(EXTENSION === '.ts' ? ['--import', 'tsx'] : []), `--max-old-space-size=${MEMORY_MB}`];

export function processAnalyser(limits_ms = LIMITS_MS): Analyser {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let idle: NodeJS.Timeout | undefined;

  function open(): ChildProcess {
    // Nothing of ours is for it: neither settings nor secrets.
    const opened = fork(PROGRAM, [], {
      env: {},
      execArgv: EXEC_ARGV,
      serialization: 'advanced',
      stdio: 'ignore',
    });
    opened.unref();
    opened.channel?.unref();
    opened.on('error', () => undefined);
    opened.once('exit', () => void (child = child === opened ? undefined : child));
    return opened;
  }

  function close(): void {
    child?.kill('SIGKILL');
    child = undefined;
  }

  async function carryOut<T>(task: AnalyserTask, signal: AbortSignal): Promise<T | undefined> {
    signal.throwIfAborted();
    clearTimeout(idle);
    const used = (child ??= open());
    const end = await answerOf<T>(used, task, { signal, limit_ms: limits_ms[task.kind] });
    idle = setTimeout(close, IDLE_MS).unref();
    if (end !== 'ended') return end.answer;
    close();
    signal.throwIfAborted();
    return undefined;
  }

  function inTurn<T>(task: AnalyserTask, signal: AbortSignal): Promise<T | undefined> {
    const turn = last.then(() => carryOut<T>(task, signal));
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    file: (file, areas, signal) => inTurn({ kind: 'file', file, areas }, signal),
    tree: (facts, areas, signal) => inTurn({ kind: 'tree', facts, areas }, signal),
  };
}

/** What it answers, unless its time is up, it dies, or nobody wants to know any more. */
function answerOf<T>(
  child: ChildProcess,
  task: AnalyserTask,
  { signal, limit_ms }: { signal: AbortSignal; limit_ms: number },
): Promise<{ answer: T } | 'ended'> {
  return new Promise((resolve) => {
    const end = (how: { answer: T } | 'ended') => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      child.removeListener('exit', over);
      child.removeListener('message', told);
      resolve(how);
    };
    const over = () => end('ended');
    const told = (answer: unknown) => end({ answer: answer as T });
    const timer = setTimeout(over, limit_ms);
    signal.addEventListener('abort', over, { once: true });
    child.once('exit', over);
    child.once('message', told);
    child.send(task, (error) => error && over());
  });
}
