import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

let tick_ms: number | undefined;

/** CPU time the process has used so far, in milliseconds; its resolution is one tick (10 ms on most kernels). */
export function cpuMs(pid: number): number {
  const { utime, stime } = statOf(pid);
  return (utime + stime) * tickMs();
}

/** The same for a process with all its descendants, those that have ended and were waited for included. */
export function treeCpuMs(pid: number): number {
  const { utime, stime, cutime, cstime } = statOf(pid);
  const own_ms = (utime + stime + cutime + cstime) * tickMs();
  return childrenOf(pid).reduce((sum, child) => sum + orZero(() => treeCpuMs(child)), own_ms);
}

/** Resident memory in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kib === undefined) throw new Error(`Process ${pid} has no resident memory: it has ended.`);
  return (Number(kib) * 1_024) / 1e6;
}

function statOf(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command name may hold spaces and parentheses; everything after the last one is numbers.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  return { utime, stime, cutime, cstime };
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** A child may end between the listing and the look at it. */
function orZero(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}

function tickMs(): number {
  tick_ms ??= 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return tick_ms;
}
