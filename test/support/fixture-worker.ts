import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleWorkflowCode, NativeConnection, type Worker } from '@temporalio/worker';
import { newId } from '../../src/ids.ts';
import { createInterpreterWorker, type InterpreterWorkerOptions } from '../../worker/workers.ts';
import { testTemporal } from './stack.ts';

export interface FixtureWorker {
  worker: Worker;
  task_queue: string;
  stop(): Promise<void>;
}

/** The worker as the product makes it, with the workflows and interceptors of a file in `test/fixtures/workflows` in place of ours. */
export async function fixtureWorker(
  fixture: string,
  activities: Record<string, (...args: never[]) => Promise<unknown>>,
): Promise<FixtureWorker> {
  const folder = await mkdtemp(path.join(tmpdir(), 'orchestrator-fixture-'));
  const task_queue = `fixture-${newId()}`;
  const workflowsPath = path.join(import.meta.dirname, '../fixtures/workflows', fixture);
  const workflowInterceptorModules = [workflowsPath];
  const { code } = await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules, logger: quiet });
  const codePath = path.join(folder, 'bundle.js');
  await writeFile(codePath, code);
  const connection = await NativeConnection.connect({ address: testTemporal() });
  const worker = await createInterpreterWorker({
    connection,
    namespace: 'default',
    plugins: [],
    task_queue,
    shutdown_grace_seconds: 1,
    bundle: { codePath },
    activities: activities as unknown as InterpreterWorkerOptions['activities'],
    max_cached_workflows: 10,
    max_concurrent_workflow_tasks: 10,
    max_concurrent_activities: 10,
    max_concurrent_local_activities: 10,
  });
  const running = worker.run();
  return {
    worker,
    task_queue,
    async stop() {
      worker.shutdown();
      await running;
      await connection.close();
      await rm(folder, { recursive: true });
    },
  };
}

const silent = () => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
