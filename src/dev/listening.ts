import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';

/**
 * False when the port is known to belong to another process than `pid`. A server that answers is
 * not proof: a stranger may have taken the port a moment before ours tried to.
 * Where it cannot be known (no /proc) the answer is true.
 */
export function mayListenOn(pid: number, port: number): boolean {
  if (process.platform !== 'linux') return true;
  const sockets = listeningInodes(port).map((inode) => `socket:[${inode}]`);
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.includes(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

function listeningInodes(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n').slice(1);
    } catch {
      return [];
    }
  });
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(suffix) && columns[3] === LISTEN)
    .map((columns) => columns[9] ?? '');
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
