import { closeSync, openSync } from 'node:fs';
import type { SandboxResult } from '../contract/sandbox.ts';
import type { Backend, ReadyJob } from './backend.ts';
import { packFiles } from './input-files.ts';
import { launcherScript, LAUNCHER_FD } from './launcher.ts';
import { bwrapOptions, INSIDE, WRITABLE_MOUNTS } from './mount-plan.ts';
import { otherTasks } from './other-tasks.ts';
import { readChildren } from './process-tree.ts';
import { planProgram, type Program } from './program.ts';
import { seccompProgram } from './seccomp.ts';
import { supervise, type Launch } from './supervise.ts';
import type { Architecture } from './syscalls.ts';
import { uidPool } from './uids.ts';

/** The programs of the host that the strong back-end is made of. */
export interface NamespaceTools {
  bwrap: string;
  shell: string;
  tar: string;
  /** Each run gets a uid of its own: we are root, which bubblewrap must not be run by. */
  drops_root: boolean;
  architecture: Architecture;
}

/** The descriptors of `Launch.inputs`, in order, after the launcher's own. */
const FD = {
  files: LAUNCHER_FD.files,
  args: 6,
  seccomp: 7,
  shell: 8,
  launcher: 9,
  source: 10,
  mounts: 11,
} as const;

/**
 * The strong back-end: bubblewrap with every namespace, an own uid per run when started by root, a seccomp
 * filter, sized file systems, kernel limits and the watchdog.
 */
export function namespacesBackend(tools: NamespaceTools): Backend {
  const seccomp = seccompProgram(tools.architecture);
  const uids = uidPool();

  async function run(job: ReadyJob): Promise<SandboxResult> {
    const program = planProgram({ ...job, work: INSIDE.work, tmp: INSIDE.tmp });
    const launcher = prepareLauncher(tools, job, program);
    const files = job.request.files ? await packFiles(job.request.files) : null;
    const uid = tools.drops_root ? uids.take() : null;
    const opened: number[] = [];
    try {
      const shell = openSync(tools.shell, 'r');
      opened.push(shell);
      const mounts = Object.entries(job.runtime.mounts).map(([host, inside], index) => {
        opened.push(openSync(host, 'r'));
        return { fd: FD.mounts + index, inside };
      });
      const options = bwrapOptions({
        limits: job.limits,
        program_path: `${INSIDE.work}/${program.file}`,
        fd: FD,
        mounts,
      });
      const inputs = [files, options, seccomp, shell, launcher, program.source, ...opened.slice(1)];
      const running = supervise(launch(tools, uid, inputs), job);
      // The child has its own copies from here on.
      opened.splice(0).forEach(closeSync);
      return await running;
    } finally {
      opened.forEach(closeSync);
      if (uid !== null) uids.give(uid);
    }
  }

  return { isolation: 'namespaces', run };
}

function launch(tools: NamespaceTools, uid: number | null, inputs: Launch['inputs']): Launch {
  return {
    argv: [tools.bwrap, '--args', String(FD.args), '--', INSIDE.shell, INSIDE.launcher],
    uid,
    cwd: '/',
    env: {},
    inputs,
    isolation: 'namespaces',
    detached: false,
    mounts: WRITABLE_MOUNTS,
    // The child of bubblewrap is process 1 inside: the launcher, which passes the signal on to all.
    terminate: (pid) => readChildren(pid).forEach((launcher) => signal(launcher, 'SIGTERM')),
    // The kernel ends the whole pid namespace with its process 1.
    kill: (child) => {
      if (child.pid !== undefined && child.exitCode === null) {
        readChildren(child.pid).forEach((launcher) => signal(launcher, 'SIGKILL'));
      }
      child.kill('SIGKILL');
    },
  };
}

function prepareLauncher(tools: NamespaceTools, { request, limits }: ReadyJob, program: Program): Buffer {
  return Buffer.from(
    launcherScript({
      program,
      limits,
      env: { ...program.env, ...request.env },
      work: INSIDE.work,
      has_files: request.files !== undefined,
      tar: tools.tar,
      namespaced: true,
      other_tasks: otherTasks(),
    }),
  );
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself in the meantime.
  }
}
