import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const POLL_MS = 50;

export interface Command {
  file: string;
  args: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** The account to run as; ours when absent. */
  account?: { uid: number; gid: number };
  /** Receives stdout and stderr. A file and not a pipe: the child may outlive us. */
  log_file: string;
}

/** A running child, started by us or inherited from a process of ours that was killed. */
export interface Child {
  identity: ProcessIdentity;
  /** Settles when it has ended, for whatever reason. */
  ended: Promise<void>;
}

/** Starts a command in its own process group, so that Ctrl-C reaches us alone and we stop it in order. */
export async function spawnChild(command: Command): Promise<Child> {
  const log = openLog(command.log_file);
  try {
    const { file, args, cwd, env, account } = command;
    const stdio = ['ignore', log, log] as ['ignore', number, number];
    const child = spawn(file, args, { cwd, env, stdio, detached: true, ...account });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const pid = child.pid ?? 0;
    // It may have ended already; its start tick is then unknown and matches nothing.
    return { identity: identityOf(pid) ?? { pid, started: 'unknown' }, ended };
  } finally {
    closeSync(log);
  }
}

/** Watches a process that is not our child; only polling can tell that it ended. */
export function adopt(identity: ProcessIdentity): Child {
  return { identity, ended: untilGone(identity) };
}

/** Sends each signal in turn, waiting in between; answers whether the process ended. */
export async function endProcess(
  identity: ProcessIdentity,
  steps: { signal: NodeJS.Signals; wait_ms: number }[],
): Promise<boolean> {
  for (const { signal, wait_ms } of steps) {
    if (!isAlive(identity)) return true;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    const deadline = Date.now() + wait_ms;
    while (isAlive(identity) && Date.now() < deadline) await pause(POLL_MS);
  }
  return !isAlive(identity);
}

async function untilGone(identity: ProcessIdentity): Promise<void> {
  while (isAlive(identity)) await pause(POLL_MS, undefined, { ref: false });
}

function openLog(file: string): number {
  try {
    if (statSync(file).size > LOG_LIMIT_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // No log yet.
  }
  return openSync(file, 'a', 0o600);
}
