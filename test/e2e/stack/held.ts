import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compiled } from '../../support/compiled.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export interface Held {
  process: ChildProcess;
  database_url: string;
  temporal_address: string;
  pids: { postgres: number; temporal: number };
}

export interface HoldOptions {
  data_dir: string;
  env?: NodeJS.ProcessEnv;
  account?: { uid: number; gid: number };
}

/** Starts the services in a process of their own, so that it can be killed; rejects with what it said if it fails. */
export async function holdServices({ data_dir, env, account }: HoldOptions): Promise<Held> {
  const child = spawn(process.execPath, [await compiled('test/e2e/stack/hold-services')], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...ANY_PORTS,
      ORCHESTRATOR_DATA_DIR: data_dir,
      ORCHESTRATOR_SETUP: 'none',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...account,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const failed = once(child, 'exit').then(() => Promise.reject(new Error(`it ended: ${said}`)));
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), failed])) as [string];
  failed.catch(() => undefined);
  return { process: child, ...(JSON.parse(line) as Omit<Held, 'process'>) };
}

/** Kills the process as a crash would, or lets it stop in order. */
export async function end(held: Held, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const ended = once(held.process, 'exit');
  held.process.kill(signal);
  await ended;
}

const ANY_PORTS = {
  ORCHESTRATOR_POSTGRES_PORT: '0',
  ORCHESTRATOR_TEMPORAL_PORT: '0',
  ORCHESTRATOR_TEMPORAL_UI_PORT: '0',
};
