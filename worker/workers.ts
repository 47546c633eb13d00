import { Worker, type NativeConnection, type WorkerPlugin } from '@temporalio/worker';
import type { AgentActivity, BuildActivity } from '../src/contract/builtins.ts';
import type { LocalActivities, NodeActivities } from '../src/contract/activities.ts';
import type { HealthActivities } from '../src/contract/health.ts';
import type { MaintenanceActivities } from '../src/contract/maintenance.ts';
import type { RefinementActivities } from '../src/contract/refinement.ts';
import type { ScheduleActivities } from '../src/contract/schedules.ts';

interface WorkerBase {
  connection: NativeConnection;
  namespace: string;
  plugins: WorkerPlugin[];
  task_queue: string;
  shutdown_grace_seconds: number;
}

/** What only agents carry out. */
export type AgentOnly = 'code' | AgentActivity;
/** What agents carry out. */
export type AgentNode = AgentOnly | BuildActivity;

export interface InterpreterWorkerOptions extends WorkerBase {
  bundle: { codePath: string };
  activities: LocalActivities &
    MaintenanceActivities &
    ScheduleActivities &
    RefinementActivities &
    HealthActivities &
    Omit<NodeActivities, AgentOnly>;
  /** Set when Temporal is to know builds apart: open runs go on with the current one. */
  build?: { deployment_name: string; build_id: string };
  max_cached_workflows: number;
  max_concurrent_workflow_tasks: number;
  max_concurrent_activities: number;
  max_concurrent_local_activities: number;
}

/**
 * The SDK takes this option, and does not name it. After its 5 s a task's code is cut off in the middle, which may end the
 * whole process (decision 0031); ours has bounds of its own, and only seems slow when the process itself stands still.
 */
const UNNAMED_OPTIONS = { isolateExecutionTimeout: '60s' };

/** Runs the workflows, their bookkeeping, and the nodes that need no sandbox. */
export function createInterpreterWorker(options: InterpreterWorkerOptions): Promise<Worker> {
  return Worker.create({
    ...base(options),
    ...UNNAMED_OPTIONS,
    workflowBundle: { codePath: options.bundle.codePath },
    workerDeploymentOptions: options.build && versionedAs(options.build),
    activities: options.activities,
    maxCachedWorkflows: options.max_cached_workflows,
    maxConcurrentWorkflowTaskExecutions: options.max_concurrent_workflow_tasks,
    maxConcurrentActivityTaskExecutions: options.max_concurrent_activities,
    maxConcurrentLocalActivityExecutions: options.max_concurrent_local_activities,
    // After a worker's death its runs wait this long for it before another one takes them.
    stickyQueueScheduleToStartTimeout: '1s',
  });
}

/** Runs are made to replay on every later build, so none is pinned to the one that started it. */
function versionedAs({ deployment_name: deploymentName, build_id: buildId }: Build) {
  return {
    useWorkerVersioning: true as const,
    version: { deploymentName, buildId },
    defaultVersioningBehavior: 'AUTO_UPGRADE' as const,
  };
}

type Build = NonNullable<InterpreterWorkerOptions['build']>;

export interface CodeWorkerOptions extends WorkerBase {
  activities: Pick<NodeActivities, AgentNode>;
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
