import type { Sandbox, SandboxReport } from '../../../src/contract/sandbox.ts';
import { createSandbox, type SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { CACHE_DIR } from './cache.ts';

export type Run = (...args: Parameters<Sandbox['run']>) => ReturnType<Sandbox['run']>;

/** The sandbox of these tests, with a `run` that can be handed around. */
export async function openSandbox(
  options: Partial<SandboxOptions> = {},
): Promise<{ report: SandboxReport; run: Run }> {
  const sandbox = await createSandbox({ environment: 'test', cache_dir: CACHE_DIR, ...options });
  return { report: sandbox.report, run: (...args) => sandbox.run(...args) };
}
