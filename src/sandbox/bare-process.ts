import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxResult } from '../contract/sandbox.ts';
import type { Backend, ReadyJob } from './backend.ts';
import { packFiles } from './input-files.ts';
import { launcherScript } from './launcher.ts';
import { BASE_ENV } from './mount-plan.ts';
import { planProgram } from './program.ts';
import { supervise } from './supervise.ts';

export interface BareTools {
  shell: string;
  tar: string;
  /** Work directories are made in here, and removed after each run. */
  cache_dir: string;
}

/**
 * A plain child process with limits and a cleared environment. Not a sandbox: the program sees the host's
 * files, network and processes, and what it leaves running in a session of its own goes on.
 */
export function bareProcessBackend(tools: BareTools): Backend {
  async function run(job: ReadyJob): Promise<SandboxResult> {
    await mkdir(tools.cache_dir, { recursive: true });
    const directory = await mkdtemp(join(tools.cache_dir, 'run-'));
    try {
      return await runIn(tools, job, directory);
    } finally {
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  return { isolation: 'process', run };
}

async function runIn(tools: BareTools, job: ReadyJob, directory: string): Promise<SandboxResult> {
  const work = join(directory, 'work');
  const tmp = join(directory, 'tmp');
  await Promise.all([mkdir(join(work, 'out'), { recursive: true }), mkdir(tmp)]);
  const program = planProgram({ ...job, work, tmp, runtime: onHost(job.runtime) });
  const env = { ...program.env, ...job.request.env };
  const has_files = job.request.files !== undefined;
  const shared = { program, limits: job.limits, env, work, has_files, tar: tools.tar };
  const launcher = launcherScript({ ...shared, namespaced: false, other_tasks: 0 });
  await Promise.all([
    writeFile(join(work, program.file), program.source),
    writeFile(join(directory, 'launch'), launcher),
  ]);
  const files = job.request.files ? await packFiles(job.request.files) : null;
  return supervise(
    {
      argv: [tools.shell, join(directory, 'launch')],
      uid: null,
      cwd: work,
      env: { ...BASE_ENV, HOME: work, TMPDIR: tmp },
      inputs: [files],
      isolation: 'process',
      detached: true,
      mounts: [],
      terminate: (pid) => signalGroup(pid, 'SIGTERM'),
      kill: (child: ChildProcess) => {
        if (child.pid !== undefined && child.exitCode === null) signalGroup(child.pid, 'SIGKILL');
      },
    },
    job,
  );
}

/** Without namespaces nothing is mounted elsewhere: every path inside is the path on the host. */
function onHost(runtime: ReadyJob['runtime']): ReadyJob['runtime'] {
  const host = (inside: string): string =>
    Object.entries(runtime.mounts).find(([, mounted]) => mounted === inside)?.[0] ?? inside;
  const env = Object.fromEntries(
    Object.entries(runtime.env ?? {}).map(([name, value]) => [name, host(value)]),
  );
  return { ...runtime, executable: host(runtime.executable), env };
}

function signalGroup(leader: number, name: NodeJS.Signals): void {
  try {
    process.kill(-leader, name);
  } catch {
    // It ended by itself in the meantime.
  }
}
