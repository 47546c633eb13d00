import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync, readlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxRequest, SandboxResult } from '../contract/sandbox.ts';
import type { Backend } from './backend.ts';
import { resolveLimits } from './limits.ts';
import { PROBE_PROGRAM, type ProbeInput } from './probe-program.ts';
import type { Runtime } from './runtimes.ts';

/** Null when the back-end held against every attempt. */
export type Weakness = { reason: string; remedy: string } | null;

const NAMESPACES = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts'];
const PROBE_LIMITS = resolveLimits({ wall_ms: 10_000 });

/** Runs a program that really tries to get out: to files, processes, the network, other namespaces, root. */
export async function probe(backend: Backend, node: Runtime): Promise<Weakness> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-probe-'));
  const server = createServer((socket) => socket.destroy());
  try {
    const host_file = join(directory, 'host-file');
    await writeFile(host_file, 'the host');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const result = await backend.run(job({ host_file, port, namespaces: ownNamespaces() }, node));
    return await judge(result);
  } catch (error) {
    return explainFailure(error instanceof Error ? error.message : String(error));
  } finally {
    server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function job(input: ProbeInput, runtime: Runtime): Parameters<Backend['run']>[0] {
  const request: SandboxRequest = {
    language: 'javascript',
    source: PROBE_PROGRAM,
    args: [JSON.stringify(input)],
  };
  return { request, source: PROBE_PROGRAM, limits: PROBE_LIMITS, options: {}, runtime };
}

function ownNamespaces(): Record<string, string> {
  return Object.fromEntries(NAMESPACES.map((name) => [name, readlinkSync(`/proc/self/ns/${name}`)]));
}

async function judge(result: SandboxResult): Promise<Weakness> {
  if (result.cause === 'sandbox_error') return explainFailure(result.detail ?? '');
  const open = readList(result.stdout);
  if (result.cause !== 'exited' || result.exit_code !== 0 || open === null) {
    const said = result.stderr.trim().slice(0, 500);
    return {
      reason: `The sandbox probe did not end well: ${result.cause}. ${said}`,
      remedy: 'See the log of this worker.',
    };
  }
  if (open.length === 0) return null;
  return {
    reason: `The sandbox leaks: it ${open.join(', ')}.`,
    remedy: 'Do not run code here; use another host.',
  };
}

function readList(text: string): string[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(String) : null;
  } catch {
    return null;
  }
}

/** Turns what bubblewrap said into what an operator can do; these are the usual places where namespaces are off. */
export async function explainFailure(said: string): Promise<NonNullable<Weakness>> {
  const reason = `bubblewrap could not build the sandbox: ${said.slice(0, 500)}`;
  const settings: [path: string, off: string, remedy: string][] = [
    ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'Set the sysctl kernel.unprivileged_userns_clone=1.'],
    ['/proc/sys/user/max_user_namespaces', '0', 'Set the sysctl user.max_user_namespaces to a few thousand.'],
    [
      '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
      '1',
      'AppArmor (Ubuntu 24.04) denies user namespaces: add a profile for bwrap, or set the sysctl kernel.apparmor_restrict_unprivileged_userns=0.',
    ],
  ];
  for (const [path, off, remedy] of settings) {
    if ((await readFile(path, 'utf8').catch(() => '')).trim() === off) return { reason, remedy };
  }
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) {
    const remedy =
      "A container's default seccomp and AppArmor profiles and its masked /proc switch namespaces off: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined.";
    return { reason, remedy };
  }
  return { reason, remedy: 'Allow unprivileged user namespaces on this host.' };
}
