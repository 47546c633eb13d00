import { statfsSync } from 'node:fs';
import type { SandboxUsage } from '../contract/sandbox.ts';
import { FIXED_LIMITS, type ResolvedLimits } from './limits.ts';
import { readProportionalBytes, readTree, type ProcessSample } from './process-tree.ts';
import type { Verdict } from './verdict.ts';

export interface Watchdog {
  stop(): Pick<SandboxUsage, 'cpu_ms' | 'peak_memory_bytes'>;
}

export interface WatchdogTarget {
  pid: number;
  limits: ResolvedLimits;
  verdict: Verdict;
  /** Mount points inside the sandbox whose file systems are ours and sized; none for a plain process. */
  mounts: readonly string[];
  /** Called once, when a limit was passed and this is the first cause. */
  exceeded: () => void;
}

const TICK_MS = 50;
/** Most programs end before the first tick, and would show no memory at all. */
const FIRST_TICKS_MS = [8, 20];

/**
 * Looks at the whole process tree every 50 ms: kernel limits bind single processes, so only the sum shows that
 * eight processes share what one may have.
 */
export function startWatchdog(target: WatchdogTarget): Watchdog {
  const cpu = cpuCounter();
  let peak_memory_bytes = 0;

  function tick(): void {
    const tree = readTree(target.pid).filter((sample) => sample.pid !== target.pid);
    const memory_bytes = treeMemory(tree, target.limits.memory_bytes);
    peak_memory_bytes = Math.max(peak_memory_bytes, memory_bytes);
    if (memory_bytes > target.limits.memory_bytes) exceeded('memory_limit');
    if (cpu.count(tree) > target.limits.cpu_ms) exceeded('cpu_limit');
    if (diskIsFull(tree, target.mounts)) exceeded('disk_limit');
  }

  function exceeded(cause: 'memory_limit' | 'cpu_limit' | 'disk_limit'): void {
    if (target.verdict.claim(cause)) target.exceeded();
  }

  const first = FIRST_TICKS_MS.map((delay_ms) => setTimeout(tick, delay_ms));
  const every = setInterval(tick, TICK_MS);
  return {
    stop: () => {
      first.forEach(clearTimeout);
      clearInterval(every);
      return { cpu_ms: cpu.total(), peak_memory_bytes };
    },
  };
}

/** Resident memory counts shared pages once per process, so the dear exact figure is read only near the limit. */
function treeMemory(tree: readonly ProcessSample[], limit_bytes: number): number {
  const resident = tree.reduce((sum, sample) => sum + sample.resident_bytes, 0);
  if (resident <= limit_bytes) return resident;
  return tree.reduce((sum, sample) => sum + (readProportionalBytes(sample.pid) ?? sample.resident_bytes), 0);
}

/**
 * Time of the living and of their waited-for children, or time of everything ever seen, whichever is more:
 * a parent that ignores its children's end hides the first, processes between two ticks hide from the second.
 */
function cpuCounter(): { count(tree: readonly ProcessSample[]): number; total(): number } {
  const seen = new Map<number, number>();
  let total = 0;
  function count(tree: readonly ProcessSample[]): number {
    for (const sample of tree) seen.set(sample.pid, Math.max(seen.get(sample.pid) ?? 0, sample.own_cpu_ms));
    const living = tree.reduce((sum, sample) => sum + sample.own_cpu_ms + sample.children_cpu_ms, 0);
    const ever = [...seen.values()].reduce((sum, ms) => sum + ms, 0);
    total = Math.max(total, living, ever);
    return total;
  }
  return { count, total: () => total };
}

/**
 * Only the fill level of our own mounts is asked for, through a process that can neither change its root nor
 * replace a mount point; no file of the sandbox is looked at.
 */
function diskIsFull(tree: readonly ProcessSample[], mounts: readonly string[]): boolean {
  const inside = tree.at(-1);
  if (!inside) return false;
  return mounts.some((mount) => {
    try {
      const level = statfsSync(`/proc/${inside.pid}/root${mount}`);
      // A few MiB: before the program is mounted inside, the path still leads to a file system of the host.
      if (level.type !== TMPFS_MAGIC || level.blocks * level.bsize > MAX_MOUNT_BYTES) return false;
      return level.bavail === 0 || level.files - level.ffree > FIXED_LIMITS.inodes;
    } catch {
      return false;
    }
  });
}

const TMPFS_MAGIC = 0x01021994;
const MAX_MOUNT_BYTES = 128 * 1024 * 1024;
