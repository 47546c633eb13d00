/** The worker as the product makes it, with a workflow that does nothing but its bookkeeping. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleWorkflowCode, NativeConnection, type Worker } from '@temporalio/worker';
import { newId } from '../../../src/ids.ts';
import { createInterpreterWorker, type InterpreterWorkerOptions } from '../../../worker/workers.ts';
import type { Books } from '../../fixtures/workflows/kept.ts';
import { countOf, historiesOf, withTemporal } from '../../support/executions.ts';
import { testTemporal } from '../../support/stack.ts';

const task_queue = `books-${newId()}`;
let folder: string;
let connection: NativeConnection;
let worker: Worker;
let running: Promise<void>;
let write: Books['write'];

const silent = () => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'books-'));
  const workflowsPath = path.join(import.meta.dirname, '../../fixtures/workflows/kept.ts');
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [workflowsPath],
    logger: quiet,
  });
  const codePath = path.join(folder, 'kept.js');
  await writeFile(codePath, code);
  connection = await NativeConnection.connect({ address: testTemporal() });
  worker = await createInterpreterWorker({
    connection,
    namespace: 'default',
    plugins: [],
    task_queue,
    shutdown_grace_seconds: 1,
    bundle: { codePath },
    activities: { write: () => write() } as unknown as InterpreterWorkerOptions['activities'],
    max_cached_workflows: 10,
    max_concurrent_workflow_tasks: 10,
    max_concurrent_activities: 10,
    max_concurrent_local_activities: 10,
  });
  running = worker.run();
});
afterAll(async () => {
  worker?.shutdown();
  await running;
  await connection?.close();
  await rm(folder, { recursive: true, force: true });
});

it('bookkeeping that was cancelled by nobody is done again, and the run goes on', async () => {
  let calls = 0;
  write = () => Promise.resolve(++calls === 1 ? 'dropped' : 'written');
  const workflowId = `books-${newId()}`;
  await withTemporal(testTemporal(), async (client) => {
    const execution = { workflowId, taskQueue: task_queue };
    expect(await client.workflow.execute('keepsBooks', execution)).toBe('written');
    expect(calls).toBe(2);
    const [events] = await historiesOf(client, workflowId);
    expect(countOf(events!, 'workflowTaskFailedEventAttributes')).toBe(1);
  });
});

it('code of a workflow is not cut off after the seconds that a process may stand still (decision 0031)', () => {
  expect(worker.options.isolateExecutionTimeoutMs).toBe(60_000);
});
