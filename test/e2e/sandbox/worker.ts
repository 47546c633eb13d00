/**
 * A worker of another user: reads a `WorkerInput` in JSON on stdin, runs the jobs, and writes the report and the
 * results as one JSON document. Started by unprivileged.ts.
 */
import { readFileSync } from 'node:fs';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { runJobs, type JobSpec } from './jobs.ts';

export interface WorkerInput {
  cache_dir: string;
  jobs: readonly JobSpec[];
  /** Without a sandbox, for the controls. */
  bare: boolean;
}

async function main(): Promise<void> {
  const input = JSON.parse(readFileSync(0, 'utf8')) as WorkerInput;
  const { cache_dir, bare } = input;
  const how = bare ? ({ force_backend: 'process', unsafe_process: true } as const) : {};
  const sandbox = await createSandbox({ environment: 'test', cache_dir, ...how });
  process.stdout.write(`${JSON.stringify({ report: sandbox.report })}\n`);
  const results = await runJobs(sandbox, input.jobs);
  const plain = results.map((result) => ({
    ...result,
    artifacts: result.artifacts.map(({ path, bytes }) => ({
      path,
      bytes: Buffer.from(bytes).toString('base64'),
    })),
  }));
  process.stdout.write(`${JSON.stringify({ uid: process.getuid?.(), results: plain })}\n`);
}

void main();
