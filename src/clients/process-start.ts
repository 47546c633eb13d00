import { readFile } from 'node:fs/promises';

/** The start tick in a line of /proc/<pid>/stat; the name before it stands in brackets and may hold anything. */
export const startIn = (line: string): string => line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';

/** When a process started, in ticks since boot, which tells it from a later one with its number; null when there is none. */
export async function startOf(pid: number): Promise<string | null> {
  try {
    return startIn(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return process.platform === 'linux' || !isThere(pid) ? null : '0';
  }
}

/** Whether a process, or with a negative number a group, is there. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
