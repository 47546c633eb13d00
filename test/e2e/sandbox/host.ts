import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Things of the host that a program must not reach; the attacks get them as their first argument, in JSON. */
export interface HostSecrets {
  file: string;
  port: number;
  unix_socket: string;
  pid: number;
}

export interface Host extends HostSecrets {
  directory: string;
  close(): void;
}

/** Puts up a file, a TCP port and a unix socket that anybody on this host may use. */
export async function openHost(): Promise<Host> {
  const directory = mkdtempSync(join(tmpdir(), 'sandbox-host-'));
  chmodSync(directory, 0o755);
  const file = join(directory, 'secret.txt');
  writeFileSync(file, 'host secret');
  const unix_socket = join(directory, 'socket');
  const [tcp, unix] = await Promise.all([listen(0), listen(unix_socket)]);
  chmodSync(unix_socket, 0o777);
  const { port } = tcp.address() as AddressInfo;
  // A neighbour whose environment holds a secret; that of this process was set too late to show in /proc.
  const neighbour = spawn('sleep', ['300'], { env: { ORCHESTRATOR_TEST_SECRET: 'secret' }, stdio: 'ignore' });
  return {
    directory,
    file,
    port,
    unix_socket,
    pid: process.pid,
    close: () => {
      neighbour.kill('SIGKILL');
      tcp.close();
      unix.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function listen(where: number | string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('host speaking\n');
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    if (typeof where === 'number') server.listen(where, '127.0.0.1', () => resolve(server));
    else server.listen(where, () => resolve(server));
  });
}

/** The processes of this machine whose command line holds `mark`. */
export function processesWith(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Waits until `done` holds; answers whether it did in time. */
export async function within(limit_ms: number, done: () => boolean): Promise<boolean> {
  const end = performance.now() + limit_ms;
  while (!done()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
