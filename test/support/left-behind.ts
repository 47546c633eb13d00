import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';

/** A process of this machine. */
export interface Process {
  pid: number;
  name: string;
  command: string;
  parent: number;
  /** The process group. */
  group: number;
  /** In ticks since boot: another process with the same number began at another time. */
  started: number;
}

/** All processes but those that are dead and not yet collected. */
export async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const read = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [parent = 0, group = 0] = fields.slice(1, 3).map(Number);
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const is_dead = fields[0] === 'Z' || stat === '';
    return {
      pid,
      name,
      command: command.replaceAll('\0', ' '),
      is_dead,
      parent,
      group,
      started: Number(fields[19]),
    };
  });
  return (await Promise.all(read)).filter(({ is_dead }) => !is_dead);
}

/** The processes that these have begun, and those that they have, and so on; but not those of `others`. */
export async function processesBelow(
  roots: readonly number[],
  others: ReadonlySet<number> = new Set(),
): Promise<Process[]> {
  const all = await processes();
  const found: Process[] = [];
  for (let ids = roots; ids.length > 0;) {
    const children = all.filter(({ pid, parent }) => ids.includes(parent) && !others.has(pid));
    found.push(...children);
    ids = children.map(({ pid }) => pid);
  }
  return found;
}

/** Those that are still there. */
export async function alive(wanted: readonly Process[]): Promise<Process[]> {
  const all = await processes();
  return wanted.filter(({ pid, started }) => all.some((one) => one.pid === pid && one.started === started));
}

/** The temporary directories of these processes with something of that kind: a fetched repository, an artifact. */
export async function temporaryOf(pids: readonly number[], kind: 'git' | 'artifact'): Promise<string[]> {
  const names = await readdir(os.tmpdir());
  return names.filter((name) => pids.some((pid) => name.startsWith(`orchestrator-${kind}-${pid}-`)));
}
