import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
const STOP_LIMIT_MS = 40_000;

/** Starts Node in the repository; output goes to a file. */
export function startNode(args: readonly string[], env: NodeJS.ProcessEnv, log_file: string): ChildProcess {
  const log = openSync(log_file, 'a');
  // A process group of its own: Ctrl-C in a terminal reaches the bench alone, which stops everything in order.
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  return child;
}

/** Our environment without the product's settings, so that every bench measures the same thing. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = /^ORCHESTRATOR_(CACHE_DIR|SETUP|POSTGRES_BIN)$/;
  const setting =
    /^(ORCHESTRATOR_.*|OTEL_.*|DATABASE_URL|PORT|SERVICE_PORT|TEMPORAL_ADDRESS|REDIS_ADDR|KAFKA_BROKERS)$/;
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => kept.test(name) || !setting.test(name)),
  );
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** SIGTERM, then SIGKILL for one that does not end. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(kill);
}

interface Waiting {
  child: ChildProcess;
  log_file: string;
  /** What is being waited for, for the error. */
  what: string;
  limit_ms: number;
}

/** Asks until there is an answer; rejects with the end of the log when the process ends or takes too long. */
export async function untilThere<T>(
  { child, log_file, what, limit_ms }: Waiting,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + limit_ms;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    const late = performance.now() > deadline;
    if (late || hasEnded(child)) {
      const log = await readFile(log_file, 'utf8').catch(() => '');
      throw new Error(`${what} ${late ? 'did not get ready in time' : 'ended'}:\n${log.slice(-2_000)}`);
    }
    await pause(20);
  }
}
