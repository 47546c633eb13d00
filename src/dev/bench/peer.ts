import { fork, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hasEnded, stopProcess } from './processes.ts';

/** What a peer process can be asked, by name. */
export type Calls = Record<string, (argument: never) => Promise<unknown>>;

type ArgumentOf<C extends Calls, N extends keyof C> = Parameters<C[N]>[0];
type AnswerOf<C extends Calls, N extends keyof C> = Awaited<ReturnType<C[N]>>;

/** A reference in a process of its own, beside us and the product. */
export interface Peer<C extends Calls> {
  pid: number;
  call<N extends keyof C & string>(name: N, argument: ArgumentOf<C, N>): Promise<AnswerOf<C, N>>;
  stop(): Promise<void>;
}

interface Reply {
  id: number;
  value?: unknown;
  error?: string;
}

/** Starts a module of this folder that ends in `servePeer`. */
export function startPeer<C extends Calls>(file: string, log_file: string): Peer<C> {
  const log = openSync(log_file, 'a');
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', log, log, 'ipc'],
    serialization: 'advanced',
    // Ctrl-C in a terminal reaches the bench alone, which stops everything in order.
    detached: true,
  });
  closeSync(log);
  const waiting = waitingCalls(child, file);
  let last = 0;
  return {
    pid: child.pid ?? 0,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        if (hasEnded(child)) return reject(new Error(`${file} has ended.`));
        const id = ++last;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id, name, argument });
      }),
    stop: () => stopProcess(child),
  };
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

function waitingCalls(child: ChildProcess, file: string): Map<number, Waiting> {
  const waiting = new Map<number, Waiting>();
  child.on('message', ({ id, value, error }: Reply) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(`${file}: ${error}`));
  });
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended (${signal ?? code}).`));
    waiting.clear();
  });
  return waiting;
}

/** The other side: answers calls until the bench is gone or asks to stop. */
export function servePeer(calls: Calls): void {
  const end = () => process.exit(0);
  process.once('SIGTERM', end).once('disconnect', end);
  process.on('message', ({ id, name, argument }: { id: number; name: string; argument: never }) => {
    const call = calls[name];
    const done = call ? call(argument) : Promise.reject(new Error(`unknown call ${name}`));
    done.then(
      (value) => process.send?.({ id, value }),
      (error: unknown) =>
        process.send?.({
          id,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
    );
  });
}
