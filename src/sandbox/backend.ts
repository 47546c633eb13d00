import type { SandboxIsolation, SandboxResult } from '../contract/sandbox.ts';
import type { Runtime } from './runtimes.ts';
import type { Job } from './supervise.ts';

/** A job whose program is ready to start: types stripped, interpreter found. */
export interface ReadyJob extends Job {
  source: string;
  runtime: Runtime;
}

/** One way to run a program; sandbox.ts chooses among them. */
export interface Backend {
  isolation: SandboxIsolation;
  run(job: ReadyJob): Promise<SandboxResult>;
}
