import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Log } from './log.ts';

const run = promisify(execFile);
const APT_TIMEOUT_MS = 300_000;

export interface SandboxSetup {
  available: boolean;
  /** What `bwrap --version` says, when it is there. */
  version?: string;
  /** What to do about it, when it isn't. */
  remedy?: string;
}

export interface SandboxSetupOptions {
  setup: 'auto' | 'none';
  log: Log;
}

/**
 * Sees to it that bubblewrap is there: as root on Debian or Ubuntu it is installed, after saying so;
 * elsewhere its absence is reported with the remedy. Never throws: without it everything but
 * sandboxed code works.
 */
export async function setUpSandbox({ setup, log }: SandboxSetupOptions): Promise<SandboxSetup> {
  if (process.platform !== 'linux') {
    return { available: false, remedy: 'The code sandbox needs Linux (bubblewrap).' };
  }
  const present = await bubblewrap();
  if (present) return present;
  const byApt = await isDebianFamily();
  const command = byApt
    ? 'apt-get install -y --no-install-recommends bubblewrap'
    : 'your package manager: bubblewrap';
  const remedy = `The code sandbox needs bubblewrap. Install it with: ${command}`;
  if (!byApt || setup === 'none' || process.getuid?.() !== 0) return { available: false, remedy };
  log(
    'Installing the system package bubblewrap for the code sandbox (ORCHESTRATOR_SETUP=none prevents this)',
  );
  try {
    await install();
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    log(`bubblewrap could not be installed: ${stderr?.trim().split('\n').at(-1) || message}`);
  }
  return (await bubblewrap()) ?? { available: false, remedy };
}

async function bubblewrap(): Promise<SandboxSetup | undefined> {
  try {
    const { stdout } = await run('bwrap', ['--version'], { env: process.env });
    return { available: true, version: stdout.trim() };
  } catch {
    return undefined;
  }
}

async function isDebianFamily(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]) => run('apt-get', args, { env, timeout: APT_TIMEOUT_MS });
  const wanted = ['install', '-y', '--no-install-recommends', 'bubblewrap'];
  // A fresh image has no package lists: the first try then fails at once.
  await apt(...wanted).catch(async () => {
    await apt('update');
    await apt(...wanted);
  });
}
