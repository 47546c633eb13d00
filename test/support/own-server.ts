import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { isFree } from '../../src/dev/ports.ts';

export interface ServerCommand {
  file: string;
  args: string[];
  cwd: string;
  /** On which it listens when it is ready. */
  port: number;
}

/** A server process of a test: it may be ended at will, and started again on the same port. */
export interface OwnServer {
  port: number;
  start(): Promise<void>;
  /** Freezes it: connections stay, answers do not come. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
}

const START_MS = 60_000;

export function ownServer({ file, args, cwd, port }: ServerCommand): OwnServer {
  let child: ChildProcess | undefined;
  const send = (signal: NodeJS.Signals) => void child?.kill(signal);
  return {
    port,
    async start() {
      const said: string[] = [];
      const started = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
      child = started;
      const exited = once(started, 'exit').then(() =>
        Promise.reject(new Error(`${file} ended: ${said.join('')}`)),
      );
      exited.catch(() => undefined);
      for (const stream of [started.stdout, started.stderr])
        stream.on('data', (chunk: Buffer) => void (said.length < 200 && said.push(chunk.toString())));
      await Promise.race([exited, listening(port)]);
    },
    freeze: () => send('SIGSTOP'),
    thaw: () => send('SIGCONT'),
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Below those that the kernel gives to connections: one that tries again for a server that is away could get its port. */
const SERVER_PORTS = { least: 20_000, most: 32_767 };

/** A port that nobody listens on and no connection is given, so that a server finds it free when it comes back. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(SERVER_PORTS.least, SERVER_PORTS.most);
    if (await isFree(port)) return port;
  }
}

async function listening(port: number): Promise<void> {
  for (const end_ms = Date.now() + START_MS; Date.now() < end_ms; await pause(50)) {
    const socket = connect(port, '127.0.0.1');
    const is_up = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (is_up) return;
  }
  throw new Error(`nothing listens on port ${port}`);
}
