import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SandboxReport, SandboxResult } from '../../../src/contract/sandbox.ts';
import { compiled } from '../../support/compiled.ts';
import type { JobSpec } from './jobs.ts';
import type { WorkerInput } from './worker.ts';

/** A normal user that nobody else of this machine is. */
const UID = 61_900;
const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface WorkerOptions {
  cache_dir?: string;
  bare?: boolean;
  /** Stays root, where the tests are. */
  as_root?: boolean;
}

export interface ForeignAnswer {
  uid: number;
  report: SandboxReport;
  results: SandboxResult[];
}

/** Starts a worker in a process of its own: as a normal user, from root through setpriv. */
export async function startWorker(jobs: readonly JobSpec[], how: WorkerOptions = {}): Promise<ChildProcess> {
  const own = ownDirectory();
  const input: WorkerInput = { jobs, cache_dir: how.cache_dir ?? own, bare: how.bare === true };
  const node = [process.execPath, await compiled('test/e2e/sandbox/worker')];
  const drop = ['--reuid', String(UID), '--regid', String(UID), '--clear-groups', '--'];
  const [file = '', ...argv] =
    process.getuid?.() === 0 && !how.as_root ? ['/usr/bin/setpriv', ...drop, ...node] : node;
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    ORCHESTRATOR_TEST_SECRET: 'secret',
  };
  const child = spawn(file, argv, { cwd: root, env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.once('close', () => rmSync(own, { recursive: true, force: true }));
  child.stdin?.end(JSON.stringify(input));
  return child;
}

/** Runs the jobs in a worker of a normal user. */
export async function runAsNormalUser(
  jobs: readonly JobSpec[],
  how: WorkerOptions = {},
): Promise<ForeignAnswer> {
  const child = await startWorker(jobs, how);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((done) => child.once('close', done));
  const [first = '{}', second = '{}'] = text.split('\n');
  const answer = { ...JSON.parse(first), ...JSON.parse(second) } as ForeignAnswer;
  const decode = (result: SandboxResult): SandboxResult => ({
    ...result,
    artifacts: result.artifacts.map(({ path, bytes }) => ({
      path,
      bytes: Buffer.from(bytes as unknown as string, 'base64'),
    })),
  });
  return { ...answer, results: (answer.results ?? []).map(decode) };
}

function ownDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sandbox-user-'));
  if (process.getuid?.() === 0) chownSync(directory, UID, UID);
  return directory;
}
