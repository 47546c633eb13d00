import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { answers } from './demo-client.ts';
import { readDevFile, type DevFile } from './dev-file.ts';

const START_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 30_000;
const KEPT_LINES = 30;

export interface DemoStack {
  stack: DevFile;
  /** True when the demo started it, and so has to stop it. */
  is_ours: boolean;
  stop(): Promise<void>;
}

/** The stack that is running on this data directory, or one started for the demo. */
export async function findOrStartStack(data_dir: string, say: (line: string) => void): Promise<DemoStack> {
  const running = await readDevFile(data_dir);
  if (running && (await answers(running))) {
    say(`Using the running stack at ${running.api_url}.`);
    return { stack: running, is_ours: false, stop: () => Promise.resolve() };
  }
  say('No stack is running here: starting one (the first start downloads what is missing).');
  return startStack(data_dir, say);
}

async function startStack(data_dir: string, say: (line: string) => void): Promise<DemoStack> {
  const root = path.resolve(import.meta.dirname, '../..');
  // A process group of its own: Ctrl-C in the terminal reaches the demo alone, which then stops the stack in order.
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'stack'], {
    cwd: root,
    env: { ...process.env, ORCHESTRATOR_DATA_DIR: data_dir },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const lastLines = keepLastLines(child);
  const stop = stopOnce(child);
  const on_signal = () => void stop().finally(() => process.exit(130));
  process.once('SIGINT', on_signal).once('SIGTERM', on_signal);
  try {
    const stack = await untilItAnswers(data_dir, child);
    say(`The stack is up at ${stack.api_url}.`);
    return { stack, is_ours: true, stop };
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}\n${lastLines().join('\n')}`, { cause: error });
  }
}

async function untilItAnswers(data_dir: string, child: ChildProcess): Promise<DevFile> {
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline) {
    if (hasEnded(child)) throw new Error('The stack ended before it was ready. Its last lines:');
    const stack = await readDevFile(data_dir);
    if (stack && (await answers(stack))) return stack;
    await pause(200);
  }
  throw new Error(`The stack was not ready after ${START_LIMIT_MS / 1_000} s. Its last lines:`);
}

function stopOnce(child: ChildProcess): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => (stopping ??= stopChild(child));
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await Promise.race([ended, pause(STOP_LIMIT_MS, undefined, { ref: false })]);
  if (!hasEnded(child)) process.stderr.write(`The stack (process ${child.pid}) is still stopping.\n`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Reads both outputs to their end, so that the child never blocks on a full pipe. */
function keepLastLines(child: ChildProcess): () => string[] {
  let kept: string[] = [];
  const keep = (chunk: Buffer) => {
    kept = [...kept, ...chunk.toString().split('\n').filter(Boolean)].slice(-KEPT_LINES);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => kept;
}
