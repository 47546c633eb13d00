import type { Sandbox, SandboxRequest, SandboxResult } from '../../../src/contract/sandbox.ts';

export interface JobSpec {
  request: SandboxRequest;
  cancel_after_ms?: number;
}

/** Runs all of them, as many at once as the sandbox lets. */
export function runJobs(sandbox: Sandbox, jobs: readonly JobSpec[]): Promise<SandboxResult[]> {
  return Promise.all(
    jobs.map(({ request, cancel_after_ms }) => {
      const signal = cancel_after_ms === undefined ? undefined : AbortSignal.timeout(cancel_after_ms);
      return sandbox.run(request, { signal });
    }),
  );
}
