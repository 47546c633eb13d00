import type { SandboxRequest, SandboxResult } from '../../../../src/contract/sandbox.ts';
import type { HostSecrets } from '../host.ts';

export interface Attack {
  name: string;
  request: SandboxRequest;
  cancel_after_ms?: number;
  /** What got out, in words; empty when the sandbox held. */
  damage(result: SandboxResult): string[];
}

/** The doors that a program found open: it prints `ESCAPED <door>` for each, and `DONE` at the end. */
export function openDoors(result: SandboxResult): string[] {
  const doors = result.stdout.split('\n').filter((line) => line.startsWith('ESCAPED'));
  const finished = result.stdout.includes('DONE');
  return finished
    ? doors
    : [...doors, `the attack did not finish: ${JSON.stringify({ ...result, artifacts: [] })}`];
}

/** Fails with what was seen, so that a broken attack shows its reason. */
export function unless(held: boolean, what: string, result: SandboxResult): string[] {
  const { cause, exit_code, signal, usage, stdout, stderr, detail } = result;
  const seen = {
    cause,
    exit_code,
    signal,
    usage,
    detail,
    stdout: stdout.slice(-300),
    stderr: stderr.slice(-300),
  };
  return held ? [] : [`${what}: ${JSON.stringify(seen)}`];
}

/** A request whose program reads the secrets of the host from its first argument. */
export function withSecrets(request: SandboxRequest, secrets: HostSecrets): SandboxRequest {
  const { file, port, unix_socket, pid } = secrets;
  return { ...request, args: [JSON.stringify({ file, port, unix_socket, pid }), file, String(port)] };
}
