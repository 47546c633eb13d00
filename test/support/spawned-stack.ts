import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDevFile, type DevFile } from '../../src/dev/dev-file.ts';
import { apiClient, type ApiClient } from './api-client.ts';
import { compiled } from './compiled.ts';
import { shareBundles } from './shared-bundles.ts';
import { temporaryDataDir } from './stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY = 'Orchestrator serves.';

/** The product as `npm start` has it, in processes of its own, so that each can be killed. */
export interface SpawnedStack {
  data_dir: string;
  dev(): DevFile;
  api(): ApiClient;
  /** SIGKILL, then nothing: what restarts does so by itself. */
  kill(part: 'postgres' | 'temporal' | 'agent' | 'main'): Promise<void>;
  /** Starts the main process again after it was killed. */
  restart(): Promise<void>;
  /** Stops everything in order and removes the data. */
  remove(): Promise<void>;
}

export interface SpawnOptions {
  /** Starts the sources, as a user does. What is compiled starts in half the time. */
  from_sources?: boolean;
}

export async function spawnStack({ from_sources = false }: SpawnOptions = {}): Promise<SpawnedStack> {
  const data_dir = await temporaryDataDir('orchestrator-spawned-');
  await shareBundles(data_dir);
  const main = from_sources ? ['--import', 'tsx', 'src/main.ts'] : [await compiled('src/main')];
  let child: ChildProcess;
  let dev: DevFile;

  async function start(): Promise<void> {
    child = spawn(process.execPath, [...main, 'stack'], {
      cwd: ROOT,
      env: { ...cleanEnvironment(), ...OWN_PORTS, ORCHESTRATOR_DATA_DIR: data_dir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await serving(child);
    const written = await readDevFile(data_dir);
    if (!written) throw new Error('the stack wrote no dev.json');
    dev = written;
  }

  await start();
  return {
    data_dir,
    dev: () => dev,
    api: () => apiClient(dev.api_url, dev.token),
    async kill(part) {
      const pid =
        part === 'main'
          ? child.pid
          : part === 'agent'
            ? await agentOf(child.pid)
            : await servicePid(data_dir, part);
      if (pid === undefined) throw new Error(`there is no ${part} to kill`);
      const ended = part === 'main' ? exited(child) : undefined;
      process.kill(pid, 'SIGKILL');
      await ended;
    },
    restart: start,
    async remove() {
      const ended = exited(child);
      child.kill('SIGTERM');
      await ended;
      await rm(data_dir, { recursive: true, force: true });
    },
  };
}

const OWN_PORTS = {
  ORCHESTRATOR_SERVER_PORT: '0',
  ORCHESTRATOR_SERVER_METRICS_PORT: '0',
  ORCHESTRATOR_POSTGRES_PORT: '0',
  ORCHESTRATOR_TEMPORAL_PORT: '0',
  ORCHESTRATOR_TEMPORAL_UI_PORT: '0',
  ORCHESTRATOR_SETUP: 'none',
  ORCHESTRATOR_TELEMETRY_LOG_LEVEL: 'warn',
  ORCHESTRATOR_RUNS_SWEEP_INTERVAL_SECONDS: '1',
};

/** Ours without what points at other servers. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^ORCHESTRATOR_|^DATABASE_URL$|^TEMPORAL_ADDRESS$|^NODE_OPTIONS$/.test(name) ||
        name === 'ORCHESTRATOR_CACHE_DIR',
    ),
  );
}

async function serving(child: ChildProcess): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(READY)) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => reject(new Error(`the stack ended with ${code}:\n${said}`)));
  });
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

async function servicePid(data_dir: string, name: string): Promise<number> {
  const record = JSON.parse(await readFile(path.join(data_dir, `${name}.service.json`), 'utf8')) as {
    pid: number;
  };
  return record.pid;
}

/** The code agent: the child of the main process that runs worker/main.ts. */
async function agentOf(main_pid: number | undefined): Promise<number | undefined> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === main_pid && command.includes('worker/main.')) return Number(entry);
  }
  return undefined;
}
