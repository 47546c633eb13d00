import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compiled } from './compiled.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What `npm run faults` compiled before it began. */
const HAS_DIST = process.env.ORCHESTRATOR_FAULTS === 'full';
const KEPT_LINES = 100;

const PROGRAMS = {
  api: { module: 'src/main', args: ['api'], ready: 'the API listens' },
  worker: { module: 'worker/main', args: ['interpreter'], ready: 'the worker polls' },
  agent: { module: 'worker/main', args: ['code'], ready: 'the worker polls' },
  'spec-engine': { module: 'src/main', args: ['spec-engine'], ready: 'the Spec Engine listens' },
} as const;
/** With which a process ends that was asked to start anew. */
const RESTART_STATUS = 75;
export type Program = keyof typeof PROGRAMS;

/** One process of the product, to be ended at will and started again. */
export interface OwnProcess {
  pid(): number;
  /** Resolves once it serves or polls; fails with the last it said when it ends before. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM; answers how it ended, and after how many ms. */
  stop(): Promise<{ code: number | null; ms: number }>;
  /** Resolves with its status once it has ended, whoever wanted it. */
  ended(): Promise<number | null>;
  /** How it ended when nobody asked it to, and the last it said. */
  losses: readonly string[];
}

export function ownProcess(program: Program, env: Record<string, string>): OwnProcess {
  const { module, args, ready } = PROGRAMS[program];
  let child: ChildProcess | undefined;
  const losses: string[] = [];

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null)
      return running?.exitCode ?? null;
    const exit = once(running, 'exit');
    running.kill(signal);
    return ((await exit) as [number | null])[0];
  }

  return {
    pid: () => child?.pid ?? 0,
    async start() {
      const { PATH, HOME } = process.env;
      const file = HAS_DIST ? `dist/${module}.js` : await compiled(module);
      const started = spawn(process.execPath, [file, ...args], {
        cwd: ROOT,
        env: { PATH, HOME, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      const said = await saying(started, ready);
      started.once('exit', (code, signal) => {
        // It was asked by another way to end and be started again.
        if (child === started && code !== RESTART_STATUS)
          losses.push(`${program} ended with ${code ?? signal}:\n${said.join('\n')}`);
      });
    },
    losses,
    async ended() {
      const running = child;
      if (!running || running.exitCode !== null) return running?.exitCode ?? null;
      return ((await once(running, 'exit')) as [number | null])[0];
    },
    kill: async () => void (await end('SIGKILL')),
    async stop() {
      const began = Date.now();
      return { code: await end('SIGTERM'), ms: Date.now() - began };
    },
  };
}

/** Resolves once it says so; the newest lines it says are in the answer, then and later. */
async function saying(child: ChildProcess, wanted: string): Promise<readonly string[]> {
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => {
        if (said.push(line) > KEPT_LINES) said.shift();
        if (line.includes(wanted)) resolve();
      });
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}:\n${said.join('\n')}`)));
  });
  return said;
}
