import { availableParallelism, hostname } from 'node:os';
import path from 'node:path';
import type { Worker } from '@temporalio/worker';
import { createLocalActivities, createNodeActivities } from '../activities/index.ts';
import { createMaintenanceActivities } from '../activities/maintenance.ts';
import {
  createInterpreterServices,
  createMaintenanceServices,
  createNodeTasks,
  createStore,
  type Base,
} from '../src/container.ts';
import type { Connections } from '../src/process.ts';
import type { Sandbox } from '../src/contract/sandbox.ts';
import { workflowBundle } from './bundle.ts';
import { createCodeWorker, createInterpreterWorker } from './workers.ts';

export interface WorkerOptions extends Base {
  temporal: Connections['temporal'];
}

/** A worker that is polling. */
export interface RunningWorker {
  /** Resolves when it has stopped; rejects when it failed. */
  done: Promise<void>;
  /** Takes nothing new and lets what is under way end, within the grace time. */
  stop: () => Promise<void>;
}

/** This process as an agent: what steps record as `agent_id`. */
export const AGENT_ID = `${hostname()}:${process.pid}`;

/** Starts the worker that runs workflows and `http` nodes. */
export async function startInterpreterWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config } = options;
  const store = createStore(options);
  const tasks = createNodeTasks(options, store, { id: AGENT_ID });
  const services = createInterpreterServices(options, store, options.temporal.runs);
  const worker = await createInterpreterWorker({
    ...config.worker,
    ...placeOf(options, config.temporal.task_queue),
    bundle: await workflowBundle(path.join(config.data_dir, 'cache'), options.temporal.plugins),
    activities: {
      ...createLocalActivities(services),
      ...createMaintenanceActivities(createMaintenanceServices(options, store)),
      http: createNodeActivities(tasks).http,
    },
  });
  const started = running(worker);
  await ensureSchedules(options);
  return started;
}

/** Starts the worker that runs `code` nodes in a sandbox. */
export async function startCodeWorker(options: WorkerOptions, sandbox: Sandbox): Promise<RunningWorker> {
  const { config } = options;
  const tasks = createNodeTasks(options, createStore(options), { id: AGENT_ID, sandbox });
  const worker = await createCodeWorker({
    ...placeOf(options, config.worker.code_task_queue),
    activities: { code: createNodeActivities(tasks).code },
    max_concurrent_code_tasks: config.worker.max_concurrent_code_tasks ?? availableParallelism(),
  });
  return running(worker);
}

/** Without schedules everything works but what nobody asks for, so the worker starts, and says so. */
async function ensureSchedules({ config, temporal, logger }: WorkerOptions): Promise<void> {
  const { gc_interval_hours, gc_grace_seconds, fsck_interval_hours } = config.store;
  await temporal
    .ensureSchedules({
      gc: { every_hours: gc_interval_hours, request: { grace_seconds: gc_grace_seconds } },
      fsck: { every_hours: fsck_interval_hours, request: {} },
      retention: { every_hours: config.runs.retention_interval_hours, request: {} },
    })
    .catch((err: unknown) => logger.error({ err }, 'the schedules of maintenance could not be made'));
}

function placeOf({ config, temporal }: WorkerOptions, task_queue: string) {
  const { shutdown_grace_seconds } = config.server;
  return {
    connection: temporal.connection,
    plugins: temporal.plugins,
    namespace: config.temporal.namespace,
    task_queue,
    shutdown_grace_seconds,
  };
}

function running(worker: Worker): RunningWorker {
  const done = worker.run();
  return {
    done,
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    },
  };
}
