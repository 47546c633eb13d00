import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SandboxReport } from '../contract/sandbox.ts';
import { newId } from '../ids.ts';
import { readIfThere, writeAtomic } from './atomic-file.ts';
import type { Log } from './log.ts';

/** As we are: a source that tsx reads, or a build. */
const EXTENSION = path.extname(import.meta.url);
const WORKER = fileURLToPath(new URL(`../../worker/main${EXTENSION}`, import.meta.url));
const EXEC_ARGV = EXTENSION === '.ts' ? ['--import', 'tsx'] : [];
const RESTART_MS = { first: 200, longest: 5_000 };

export interface AgentProcess {
  pid: () => number | undefined;
  /** What its probe found; null until it has reported. */
  report: () => SandboxReport | null;
  stop: () => Promise<void>;
}

interface AgentOptions {
  env: NodeJS.ProcessEnv;
  data_dir: string;
  log: Log;
}

/**
 * Runs code in a process of its own, so that a program that brings its worker down leaves API and workflows alone. It is
 * started again when it ends, and ends by itself when we do.
 */
export async function startAgentProcess({ env, data_dir, log }: AgentOptions): Promise<AgentProcess> {
  const agent_id = await rememberedId(path.join(data_dir, 'agent-id'));
  const output = createWriteStream(path.join(data_dir, 'logs', 'agent.log'), { flags: 'a', mode: 0o600 });
  let report: SandboxReport | null = null;
  let stopping = false;
  const wake = new AbortController();
  let heard: () => void = () => undefined;
  const first_report = new Promise<void>((resolve) => (heard = resolve));

  function start(): ChildProcess {
    const child = fork(WORKER, ['code'], {
      env: { ORCHESTRATOR_WORKER_AGENT_ID: agent_id, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: EXEC_ARGV,
      detached: true,
    });
    child.stdout?.pipe(output, { end: false });
    child.stderr?.pipe(output, { end: false });
    child.on('message', (message: { sandbox?: SandboxReport }) => {
      report = message.sandbox ?? report;
      heard();
    });
    return child;
  }

  let child = start();
  const supervision = (async () => {
    let delay_ms = RESTART_MS.first;
    for (;;) {
      const since = Date.now();
      await ended(child);
      if (stopping) return;
      if (Date.now() - since > RESTART_MS.longest) delay_ms = RESTART_MS.first;
      log(`The code agent ended; starting it again in ${delay_ms} ms`);
      await pause(delay_ms, undefined, { signal: wake.signal }).catch(() => undefined);
      if (stopping) return;
      delay_ms = Math.min(delay_ms * 2, RESTART_MS.longest);
      child = start();
    }
  })();

  await Promise.race([first_report, ended(child)]);
  return {
    pid: () => child.pid,
    report: () => report,
    async stop() {
      stopping = true;
      wake.abort();
      child.kill('SIGTERM');
      await supervision;
      output.end();
    },
  };
}

/** After a restart, of it or of everything, it is the same agent. */
async function rememberedId(file: string): Promise<string> {
  const known = await readIfThere(file);
  if (known !== undefined) return known;
  const id = newId();
  await writeAtomic(file, id);
  return id;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
