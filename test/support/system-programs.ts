import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { devEnvironment } from '../../src/dev/environment.ts';

export const execute = promisify(execFile);

/** A real server that a test needs, or why it cannot be had here. */
export type Available<T> = { server: T; missing?: undefined } | { server?: undefined; missing: string };

/** The path of a program; as root on Debian its package is installed when it is not there. Throws what is missing. */
export async function systemProgram(name: string, debian_package: string): Promise<string> {
  const found = onPath(name);
  if (found) return found;
  const can_install = process.getuid?.() === 0 && devEnvironment().setup !== 'none' && (await isDebian());
  if (!can_install) throw new Error(`there is no ${name} (Debian package ${debian_package})`);
  process.stderr.write(`test support: installing the system package ${debian_package}\n`);
  await oneAtATime('apt', async () => {
    const install = [
      '-o',
      'DPkg::Lock::Timeout=300',
      'install',
      '-y',
      '--no-install-recommends',
      debian_package,
    ];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await execute('apt-get', install, { env }).catch(async () => {
      await execute('apt-get', ['update'], { env });
      await execute('apt-get', install, { env });
    });
  });
  const installed = onPath(name);
  if (installed) return installed;
  throw new Error(`${debian_package} brought no ${name}`);
}

export function onPath(name: string): string | undefined {
  const directories = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  return directories.map((directory) => path.join(directory, name)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function isDebian(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

const ABANDONED_MS = 600_000;

/** Runs `work` in no two processes of this machine at once. */
export async function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
  const lock = path.join(os.tmpdir(), `orchestrator-test-${name}-${process.getuid?.() ?? 0}.lock`);
  for (;;) {
    const is_ours = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (is_ours) break;
    const age_ms = Date.now() - ((await stat(lock).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age_ms > ABANDONED_MS) await rm(lock, { recursive: true, force: true });
    await pause(200);
  }
  return work().finally(() => rm(lock, { recursive: true, force: true }));
}
