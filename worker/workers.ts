import { Worker, type NativeConnection, type WorkerPlugin } from '@temporalio/worker';
import type { LocalActivities, NodeActivities } from '../src/contract/activities.ts';
import type { MaintenanceActivities } from '../src/contract/maintenance.ts';

interface WorkerBase {
  connection: NativeConnection;
  namespace: string;
  plugins: WorkerPlugin[];
  task_queue: string;
  shutdown_grace_seconds: number;
}

export interface InterpreterWorkerOptions extends WorkerBase {
  bundle: { codePath: string };
  activities: LocalActivities & MaintenanceActivities & Pick<NodeActivities, 'http'>;
  max_cached_workflows: number;
  max_concurrent_workflow_tasks: number;
  max_concurrent_activities: number;
  max_concurrent_local_activities: number;
}

/** Runs the workflows, their bookkeeping, and the nodes that need no sandbox. */
export function createInterpreterWorker(options: InterpreterWorkerOptions): Promise<Worker> {
  return Worker.create({
    ...base(options),
    workflowBundle: options.bundle,
    activities: options.activities,
    maxCachedWorkflows: options.max_cached_workflows,
    maxConcurrentWorkflowTaskExecutions: options.max_concurrent_workflow_tasks,
    maxConcurrentActivityTaskExecutions: options.max_concurrent_activities,
    maxConcurrentLocalActivityExecutions: options.max_concurrent_local_activities,
    // After a worker's death its runs wait this long for it before another one takes them.
    stickyQueueScheduleToStartTimeout: '1s',
  });
}

export interface CodeWorkerOptions extends WorkerBase {
  activities: Pick<NodeActivities, 'code'>;
  max_concurrent_code_tasks: number;
}

/** An agent: runs programs, and nothing else, so that it can stand on machines of its own. */
export function createCodeWorker(options: CodeWorkerOptions): Promise<Worker> {
  return Worker.create({
    ...base(options),
    activities: options.activities,
    maxConcurrentActivityTaskExecutions: options.max_concurrent_code_tasks,
  });
}

function base({ connection, plugins, namespace, task_queue, shutdown_grace_seconds }: WorkerBase) {
  return {
    connection,
    plugins,
    namespace,
    taskQueue: task_queue,
    shutdownGraceTime: shutdown_grace_seconds * 1_000,
    // A cancelled attempt hears of it with its next heartbeat.
    maxHeartbeatThrottleInterval: 1_000,
    defaultHeartbeatThrottleInterval: 1_000,
  };
}
