/** The reference for runs: worker and client of Temporal's SDK in one process on one connection, with eager start. */
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, DefaultLogger, Worker } from '@temporalio/worker';
import { Pool } from 'undici';
import { driveLoad } from './load.ts';
import { servePeer } from './peer.ts';
import type { Figures } from './stats.ts';

export type RawWorkflow = 'w4Local' | 'w4Activities' | 'fanOut' | 'empty';

export interface RawStart {
  address: string;
  task_queue: string;
  /** Where the activities' GET goes. */
  http_url: string;
  /** The product's own settings of its worker. */
  worker: {
    max_cached_workflows: number;
    max_concurrent_workflow_tasks: number;
    max_concurrent_activities: number;
    max_concurrent_local_activities: number;
  };
}

export interface RawLoad {
  workflow: RawWorkflow;
  clients: number;
  seconds: number;
}

export interface RawCalls extends Record<string, (argument: never) => Promise<unknown>> {
  start(options: RawStart): Promise<void>;
  /** Rejects when any result is wrong. */
  load(load: RawLoad): Promise<Figures>;
  /** Events in the history of one execution. */
  historyEvents(workflow: RawWorkflow): Promise<number>;
}

const EXPECTED: Readonly<Record<RawWorkflow, (n: number) => number>> = {
  w4Local: (n) => n + 4,
  w4Activities: () => 4 * 204,
  fanOut: (n) => 100 * (n + 1) + 4_950,
  empty: (n) => n,
};

let started: { client: Client; task_queue: string; http_url: string } | undefined;
let last = 0;

servePeer({
  async start({ address, task_queue, http_url, worker }: RawStart) {
    Runtime.install({ logger: new DefaultLogger('WARN') });
    const connection = await NativeConnection.connect({ address });
    const running = await Worker.create({
      connection,
      taskQueue: task_queue,
      workflowsPath: fileURLToPath(new URL('./raw-workflows.ts', import.meta.url)),
      activities: activities(),
      maxCachedWorkflows: worker.max_cached_workflows,
      maxConcurrentWorkflowTaskExecutions: worker.max_concurrent_workflow_tasks,
      maxConcurrentActivityTaskExecutions: worker.max_concurrent_activities,
      maxConcurrentLocalActivityExecutions: worker.max_concurrent_local_activities,
    });
    void running.run();
    started = { client: new Client({ connection }), task_queue, http_url };
  },
  load: ({ workflow, clients, seconds }: RawLoad) =>
    driveLoad({ clients, seconds, once: async () => void (await execute(workflow)) }),
  async historyEvents(workflow: RawWorkflow) {
    const id = await execute(workflow);
    const history = await started!.client.workflow.getHandle(id).fetchHistory();
    return history.events?.length ?? 0;
  },
} satisfies RawCalls);

function activities() {
  let pool: Pool | undefined;
  return {
    step: (n: number) => Promise.resolve(n + 1),
    async get(url: string) {
      const { origin, pathname } = new URL(url);
      pool ??= new Pool(origin);
      const { statusCode, body } = await pool.request({ method: 'GET', path: pathname });
      await body.dump();
      return statusCode;
    },
  };
}

/** From the start to the checked result; answers the execution's id. */
async function execute(workflow: RawWorkflow): Promise<string> {
  if (!started) throw new Error('not started');
  const { client, task_queue, http_url } = started;
  const n = ++last;
  const workflowId = `raw-${process.pid}-${n}`;
  const result: unknown = await client.workflow.execute(workflow, {
    args: [n, http_url],
    workflowId,
    taskQueue: task_queue,
    requestEagerStart: true,
  });
  if (result !== EXPECTED[workflow](n)) throw new Error(`${workflow}(${n}) gave ${JSON.stringify(result)}`);
  return workflowId;
}
