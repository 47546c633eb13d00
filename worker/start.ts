import { hostname } from 'node:os';
import path from 'node:path';
import type { Worker } from '@temporalio/worker';
import { createLocalActivities, createNodeActivities } from '../activities/index.ts';
import { createMaintenanceActivities } from '../activities/maintenance.ts';
import { createHealthActivities } from '../activities/health.ts';
import { createRefinementActivities } from '../activities/refinements.ts';
import { createScheduleActivities } from '../activities/schedules.ts';
import {
  createInterpreterServices,
  createMaintenanceServices,
  createNodeTasks,
  createScheduleServices,
} from '../src/container.ts';
import { followAgentManager } from '../src/container-agents.ts';
import { removeOldEnvironments, removeOldWorkspaces } from '../src/container-builtins.ts';
import { createStore, type Base } from '../src/container-store.ts';
import type { Connections } from '../src/process.ts';
import type { NodeActivities } from '../src/contract/activities.ts';
import { AGENT_ACTIVITIES, BUILD_ACTIVITIES, BUILTIN_ACTIVITIES } from '../src/contract/builtins.ts';
import type { Sandbox } from '../src/contract/sandbox.ts';
import { newId } from '../src/ids.ts';
import { createRefinements } from '../src/container-ide.ts';
import { createHealthSweeper } from '../src/container-external.ts';
import { VERSION } from '../src/version.ts';
import { workflowBundle, type WorkflowBundle } from './bundle.ts';
import { agentIdentity, announce } from './agent.ts';
import { createCodeWorker, createInterpreterWorker, type AgentNode, type AgentOnly } from './workers.ts';

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

const HOUR = 3_600;

/** What steps record as `agent_id` that need no sandbox. */
const WORKER_ID = `${hostname()}:${process.pid}`;

const AGENT_ONLY: readonly AgentOnly[] = ['code', ...AGENT_ACTIVITIES];
const AGENT_NODES: readonly AgentNode[] = [...AGENT_ONLY, ...BUILD_ACTIVITIES];
const INTERPRETER_NODES = ['http', ...Object.values(BUILTIN_ACTIVITIES).flat()].filter(
  (name): name is Exclude<keyof NodeActivities, AgentOnly> => !(AGENT_ONLY as string[]).includes(name),
);

/** Starts the worker that runs workflows and `http` nodes. */
export async function startInterpreterWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config } = options;
  const store = createStore(options);
  const manager = followAgentManager(options);
  const tasks = createNodeTasks(options, store, { id: WORKER_ID, temporal: options.temporal, manager });
  const refinements = createRefinements(options, store);
  const services = createInterpreterServices(options, store, options.temporal);
  await removeOldWorkspaces();
  const bundle = await workflowBundle(path.join(config.data_dir, 'cache'), options.temporal.plugins);
  const build = buildOf(options, bundle);
  const worker = await createInterpreterWorker({
    ...config.worker,
    ...placeOf(options, config.temporal.task_queue),
    bundle,
    build,
    activities: {
      ...createLocalActivities(services),
      ...createMaintenanceActivities(createMaintenanceServices(options, store, options.temporal)),
      ...createHealthActivities(createHealthSweeper(options)),
      ...createScheduleActivities(createScheduleServices(options, store, options.temporal)),
      ...createRefinementActivities(refinements),
      ...createNodeActivities(tasks, INTERPRETER_NODES),
    },
  });
  const started = running(worker);
  if (build && config.worker.make_current) await introduce(options, build);
  await ensureSchedules(options);
  const stop = async () => {
    await started.stop();
    await services.admission.stop();
    await services.dispatch.idle();
    await refinements.stop();
    await manager?.stop();
  };
  return { ...started, stop };
}

/** What this worker is to Temporal, where builds are told apart. */
function buildOf({ config }: WorkerOptions, { hash }: WorkflowBundle) {
  const { versioning, deployment_name, build_id } = config.worker;
  return versioning ? { deployment_name, build_id: build_id ?? `${VERSION}-${hash}` } : undefined;
}

/** Without it the runs stay with the build that was current, so the worker goes on, and says so. */
async function introduce({ temporal, logger }: WorkerOptions, build: Build): Promise<void> {
  await temporal.deployments
    .introduce(build)
    .then((is_new) =>
      logger.info(
        { ...build, is_new },
        is_new ? 'this build is current now' : 'this build was current before',
      ),
    )
    .catch((err: unknown) => logger.error({ err, ...build }, 'this build could not be made current'));
}

type Build = NonNullable<ReturnType<typeof buildOf>>;

/** Tasks that are an agent's own are taken at once, so that it is known to live; the sandbox bounds how many programs run. */
const OWN_TASKS = 100;

/** A worker that carries programs out, known as an agent. */
export interface AgentOptions extends WorkerOptions {
  /** Somebody asked it to start anew: whoever runs the process sees to it. */
  onRestart: () => void;
}

/**
 * Starts an agent: it carries programs out in its sandbox, for whoever asks and for those that chose it. Asked to stop it takes
 * nothing new, and what does not end within the grace time goes to another one.
 */
export async function startAgent(options: AgentOptions, sandbox: Sandbox): Promise<RunningWorker> {
  const { config, temporal, onRestart } = options;
  const identity = agentIdentity(options, newId());
  const store = createStore(options);
  await removeOldEnvironments(options, store);
  await removeOldWorkspaces();
  const tasks = createNodeTasks(options, store, { id: identity.id, temporal, sandbox });
  const activities = createNodeActivities(tasks, AGENT_NODES);
  const polls = (queue: string, max_concurrent_code_tasks: number) =>
    createCodeWorker({ ...placeOf(options, queue), activities, max_concurrent_code_tasks });
  const workers = await Promise.all([
    polls(config.worker.code_task_queue, identity.slots),
    polls(identity.task_queue, OWN_TASKS),
  ]);
  const polling = workers.map(running);
  const presence = await announce(options, identity, sandbox.report, { running: tasks.running, onRestart });
  return {
    done: Promise.race(polling.map(({ done }) => done)),
    async stop() {
      const stopped = Promise.all(polling.map(({ stop }) => stop()));
      await presence.drain();
      await stopped;
      await presence.stop();
    },
  };
}

/** Without schedules everything works but what nobody asks for, so the worker starts, and says so. */
async function ensureSchedules({ config, temporal, logger }: WorkerOptions): Promise<void> {
  const { gc_interval_hours, gc_grace_seconds, fsck_interval_hours } = config.store;
  const { retention_interval_hours, reconcile_interval_seconds } = config.runs;
  await temporal
    .ensureSchedules({
      gc: { every_seconds: gc_interval_hours * HOUR, request: { grace_seconds: gc_grace_seconds } },
      fsck: { every_seconds: fsck_interval_hours * HOUR, request: {} },
      retention: { every_seconds: retention_interval_hours * HOUR, request: {} },
      reconcile: { every_seconds: reconcile_interval_seconds, request: {} },
    })
    .then(() => temporal.ensureHealthSweep(config.external_runs.health_interval_seconds))
    .then(() => temporal.schedules.ensureReconciler(config.triggers.reconcile_interval_seconds))
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
