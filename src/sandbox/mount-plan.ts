import { lstatSync, readlinkSync } from 'node:fs';
import type { ResolvedLimits } from './limits.ts';
import { FIXED_LIMITS } from './limits.ts';

/** Where things lie inside the sandbox. */
export const INSIDE = { work: '/work', tmp: '/tmp', shell: '/run/sh', launcher: '/run/launch' } as const;

/** The file systems that a program can write to, all sized. */
export const WRITABLE_MOUNTS = [INSIDE.work, INSIDE.tmp, '/dev/shm'] as const;

/** What the launcher and the program find in their environment, before the request's own variables. */
export const BASE_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/runtime',
  HOME: INSIDE.work,
  TMPDIR: INSIDE.tmp,
  LANG: 'C.UTF-8',
};

export interface MountPlan {
  limits: ResolvedLimits;
  program_path: string;
  /** Descriptors that bwrap reads from. */
  fd: { seccomp: number; shell: number; launcher: number; source: number };
  /** Open host files or directories to be seen read-only: descriptor and path inside. */
  mounts: readonly { fd: number; inside: string }[];
}

/** The options of bubblewrap for one run, in the form that `--args FD` reads. */
export function bwrapOptions(plan: MountPlan): Buffer {
  const options = [
    ...isolationOptions(plan.fd.seccomp),
    ...systemOptions(),
    ...plan.mounts.flatMap(({ fd, inside }) => ['--ro-bind-fd', String(fd), inside]),
    ...writableOptions(plan.limits),
    // A shell that its own user cannot read is not dumpable, so the program cannot reach into process 1,
    // where it could switch off --die-with-parent.
    ...['--perms', '0111', '--ro-bind-data', String(plan.fd.shell), INSIDE.shell],
    ...['--ro-bind-data', String(plan.fd.launcher), INSIDE.launcher],
    ...['--ro-bind-data', String(plan.fd.source), plan.program_path],
    // bubblewrap's own root and /dev are tmpfs of half the memory.
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    ...['--chdir', INSIDE.work, '--clearenv'],
    ...Object.entries(BASE_ENV).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
  return Buffer.from(options.map((option) => `${option}\0`).join(''));
}

function isolationOptions(seccomp_fd: number): string[] {
  return [
    // --unshare-all only tries for a user namespace; alone it would go on without one.
    ...['--unshare-user', '--unshare-all', '--uid', '1000', '--gid', '1000', '--hostname', 'sandbox'],
    ...['--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL'],
    ...['--seccomp', String(seccomp_fd)],
  ];
}

function systemOptions(): string[] {
  return [
    ...['--ro-bind', '/usr', '/usr', '--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ...['/bin', '/sbin', '/lib', '/lib32', '/lib64'].flatMap(systemDirectory),
    ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--dev', '/dev'],
  ];
}

/** On a merged system these are links into /usr, elsewhere directories of their own. */
function systemDirectory(path: string): string[] {
  try {
    const link = lstatSync(path).isSymbolicLink();
    return link ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
  } catch {
    return [];
  }
}

function writableOptions({ disk_bytes }: ResolvedLimits): string[] {
  const sized = (bytes: number, path: string): string[] => ['--size', String(bytes), '--tmpfs', path];
  return [
    ...sized(disk_bytes, INSIDE.work),
    ...['--dir', `${INSIDE.work}/out`],
    ...sized(disk_bytes, INSIDE.tmp),
    ...sized(FIXED_LIMITS.shared_memory_bytes, '/dev/shm'),
  ];
}
