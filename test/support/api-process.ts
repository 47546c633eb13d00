import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { newId } from '../../src/ids.ts';
import { apiClient, type ApiClient } from './api-client.ts';
import { compiled } from './compiled.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { testTemporal } from './stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOKEN = 'test-token-test-token-test-token-0123';

/** The API in a process of its own, to be measured and killed, on a database that outlives it. */
export interface ApiProcess extends ApiClient {
  pid: number;
  database: TestDatabase;
  /** Most memory it ever had, in bytes. */
  peakBytes(): number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Ends it if it runs, and removes database and directory. */
  remove(): Promise<void>;
}

export async function startApiProcess(env: Record<string, string> = {}): Promise<ApiProcess> {
  const database = await testDatabase();
  const data_dir = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-api-'));
  const child = spawn(process.execPath, [await compiled('src/main'), 'api'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings(database.url, data_dir), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const url = await listening(child.stdout, child.stderr);
  child.stdout.resume();
  child.stderr.resume();
  const pid = child.pid!;
  return {
    ...apiClient(url, TOKEN),
    pid,
    database,
    peakBytes: () => peakBytes(pid),
    kill,
    async remove() {
      await kill();
      await database.drop();
      await rm(data_dir, { recursive: true, force: true });
    },
  };
}

const settings = (database_url: string, data_dir: string): Record<string, string> => ({
  ORCHESTRATOR_DATABASE_URL: database_url,
  ORCHESTRATOR_TEMPORAL_HOST_PORT: testTemporal(),
  ORCHESTRATOR_TEMPORAL_TASK_QUEUE: `test-${newId()}`,
  ORCHESTRATOR_AUTH_API_TOKEN: TOKEN,
  ORCHESTRATOR_AUTH_JWT_SECRET: TOKEN,
  ORCHESTRATOR_DATA_DIR: data_dir,
  ORCHESTRATOR_SERVER_PORT: '0',
  ORCHESTRATOR_SERVER_METRICS_PORT: '0',
});

/** The address from its log; fails with all it said when it ends before it listens. */
async function listening(...streams: NodeJS.ReadableStream[]): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    for (const stream of streams) {
      const lines = createInterface({ input: stream });
      lines.on('line', (line) => {
        said.push(line);
        const url = /"url":"(http[^"]+)"/.exec(line)?.[1];
        if (url && line.includes('the API listens')) resolve(url);
      });
      lines.once('close', () => reject(new Error(`the API did not start:\n${said.join('\n')}`)));
    }
  });
}

function peakBytes(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kib) * 1_024;
}
