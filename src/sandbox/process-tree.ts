import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessSample {
  pid: number;
  /** Processor time of the process itself, in ms. */
  own_cpu_ms: number;
  /** The same of its children that ended and were waited for. */
  children_cpu_ms: number;
  resident_bytes: number;
}

const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;
const [page_bytes, ticks_per_second] = [auxiliary(AT_PAGESZ, 4_096), auxiliary(AT_CLKTCK, 100)];

/**
 * Every living process below `root_pid`, that one included, from /proc. Cheap enough for a tick: one read per
 * process and one per thread. Processes that end meanwhile are left out.
 */
export function readTree(root_pid: number): ProcessSample[] {
  const samples: ProcessSample[] = [];
  const pending = [root_pid];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const found = readProcess(pid);
    if (!found) continue;
    samples.push(found.sample);
    pending.push(...readChildren(pid, found.threads));
  }
  return samples;
}

/** The pids of the children of a process, whichever of its threads made them. */
export function readChildren(pid: number, threads = 1): number[] {
  const tasks = threads === 1 ? [String(pid)] : attempt(() => readdirSync(`/proc/${pid}/task`), []);
  return tasks.flatMap((task) => {
    const line = attempt(() => readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1'), '');
    return line.split(' ').filter(Boolean).map(Number);
  });
}

/**
 * The memory that only these processes account for: anonymous and shared pages, each page once. Null when the
 * kernel does not let this user read it.
 */
export function readProportionalBytes(pid: number): number | null {
  const rollup = attempt(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'), null);
  if (rollup === null) return null;
  const parts = ['Pss_Anon', 'Pss_Shmem', 'SwapPss'].map((name) =>
    new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup),
  );
  if (!parts[0]) return null;
  return parts.reduce((sum, match) => sum + Number(match?.[1] ?? 0) * 1_024, 0);
}

function readProcess(pid: number): { sample: ProcessSample; threads: number } | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), null);
  if (stat === null) return null;
  // The name may hold anything, spaces and brackets too, so the fields are counted from the last bracket.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const field = (number: number): number => fields[number - 3] ?? 0;
  const ms = (ticks: number): number => (ticks * 1_000) / ticks_per_second;
  const sample = {
    pid,
    own_cpu_ms: ms(field(14) + field(15)),
    children_cpu_ms: ms(field(16) + field(17)),
    resident_bytes: field(24) * page_bytes,
  };
  return { sample, threads: field(20) };
}

/** Pages and ticks differ between machines (arm64 has pages of 64 KiB), and the kernel tells each process. */
function auxiliary(wanted: bigint, otherwise: number): number {
  const vector = attempt(() => readFileSync('/proc/self/auxv'), Buffer.alloc(0));
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === wanted) return Number(vector.readBigUInt64LE(at + 8));
  }
  return otherwise;
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
