import { readdirSync, statSync } from 'node:fs';
import { release } from 'node:os';

/**
 * The tasks of this user that the kernel counts against a process limit set inside the sandbox. Since Linux 5.14
 * a user namespace has a count of its own, and root gives every run its own uid, so there are none; an older
 * kernel under a normal user counts all that this user runs.
 */
export function otherTasks(kernel = release(), uid = process.getuid?.() ?? 0): number {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  if (uid === 0 || major > 5 || (major === 5 && minor >= 14)) return 0;
  return readdirSync('/proc')
    .filter(isNumber)
    .reduce((sum, pid) => sum + tasksOf(pid, uid), 0);
}

const isNumber = (name: string): boolean => /^\d+$/.test(name);

function tasksOf(pid: string, uid: number): number {
  try {
    return statSync(`/proc/${pid}`).uid === uid ? readdirSync(`/proc/${pid}/task`).length : 0;
  } catch {
    return 0;
  }
}
