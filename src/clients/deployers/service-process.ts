import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DeployFailure } from '../../contract/deployer.ts';
import { isThere, startIn } from '../process-start.ts';
import { PROGRAM_PATH } from './run-command.ts';

export interface ServiceCommand {
  argv: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** What runs, in one word: a service with the same label need not be started again. */
  label: string;
}

/** One long-running command, known by files in a directory, so that it outlives whoever started it. */
export interface ServiceProcess {
  /** The label of what runs; null when nothing does. */
  running(): Promise<string | null>;
  /** Ends what runs and starts the command, which is started again whenever it ends. */
  restart(command: ServiceCommand, stop_ms: number): Promise<void>;
  /** Ends it with all its children: asks first, and kills after `stop_ms`. */
  stop(stop_ms: number): Promise<void>;
  /** The last of what it wrote. */
  logTail(): Promise<string>;
}

/**
 * Notes who it is before anything else, so that a crash of whoever started it loses nothing, then keeps the command
 * running: after it ended by itself, again, with pauses that grow from a second to half a minute.
 */
const SUPERVISOR = `
pid_file=$1; label=$2; shift 2
{ read -r stat < /proc/$$/stat; read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null
printf '%s\\n%s\\n%s\\n%s\\n' "$$" "$label" "$boot" "$stat" > "$pid_file.new" && mv -f "$pid_file.new" "$pid_file" || exit 1
child=
trap 'trap "" TERM; [ -n "$child" ] && kill -TERM "$child" 2>/dev/null; wait; exit 0' TERM
delay=1
while :; do
  "$@" &
  child=$!
  wait "$child"
  echo "[supervisor] the command ended with $?; it is started again in $delay s"
  sleep "$delay" &
  child=$!
  wait "$child"
  [ "$delay" -lt 30 ] && delay=$((delay * 2))
done
`;
const POLL_MS = 20;
const START_MS = 10_000;
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 4_096;

interface Identity {
  pid: number;
  label: string;
  boot: string;
  started: string;
}

/** The service that is known by the files in `directory`. */
export function serviceProcess(directory: string): ServiceProcess {
  const pid_file = path.join(directory, 'pid');
  const log_file = path.join(directory, 'log');
  const running = async () => {
    const known = await readIdentity(pid_file);
    return known && (await isLeading(known)) ? known.label : null;
  };

  async function stop(stop_ms: number): Promise<void> {
    const known = await readIdentity(pid_file);
    if (known && (await isOurGroup(known))) {
      signalGroup(known.pid, 'SIGTERM');
      for (let left = stop_ms; left > 0 && groupIsThere(known.pid); left -= POLL_MS) await pause(POLL_MS);
      signalGroup(known.pid, 'SIGKILL');
      while (groupIsThere(known.pid)) await pause(POLL_MS);
    }
    await rm(pid_file, { force: true });
  }

  return {
    running,
    stop,
    async restart(command, stop_ms) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await stop(stop_ms);
      const pid = await start(command, { pid_file, log_file });
      for (let left = START_MS; (await readIdentity(pid_file))?.pid !== pid; left -= POLL_MS) {
        if (left <= 0) throw new DeployFailure('deploy_failed', 'The command could not be started.');
        await pause(POLL_MS);
      }
    },
    logTail: () => tailOf(log_file),
  };
}

async function start(
  { argv, cwd, env, label }: ServiceCommand,
  { pid_file, log_file }: { pid_file: string; log_file: string },
): Promise<number> {
  const { size } = await stat(log_file).catch(() => ({ size: 0 }));
  if (size > MAX_LOG_BYTES) await rename(log_file, `${log_file}.1`);
  const log = openSync(log_file, 'a', 0o600);
  try {
    const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'supervisor', pid_file, label, ...argv], {
      cwd,
      env: { PATH: PROGRAM_PATH, ...env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    return child.pid!;
  } catch (cause) {
    throw new DeployFailure('deploy_failed', 'The command could not be started.', { cause });
  } finally {
    closeSync(log);
  }
}

async function readIdentity(pid_file: string): Promise<Identity | null> {
  const text = await readFile(pid_file, 'utf8').catch(() => '');
  const [pid = '', label = '', boot = '', stat_line = ''] = text.split('\n');
  if (!/^[1-9]\d{0,9}$/.test(pid)) return null;
  return { pid: Number(pid), label, boot, started: startIn(stat_line) };
}

/** Whether exactly this process runs. */
async function isLeading({ pid, boot, started }: Identity): Promise<boolean> {
  if (boot === '') return isThere(pid);
  const now = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return now.trim() === boot && startIn(line) === started && !/\) [ZX] /.test(line);
}

/** A group keeps its number from being used again, so that one without its leader is still the one it was. */
async function isOurGroup(known: Identity): Promise<boolean> {
  if (await isLeading(known)) return true;
  const now = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return now.trim() === known.boot && !isThere(known.pid) && groupIsThere(known.pid);
}

const groupIsThere = (pid: number): boolean => isThere(-pid);

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}

async function tailOf(file: string): Promise<string> {
  const handle = await open(file).catch(() => null);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
