import type { TemporalExecutions } from './clients/temporal-link.ts';
import type { Base, Store } from './container-store.ts';
import { createRunExecutions } from './container-reconcile.ts';
import { agentTaskOpener } from './domain/agent-tasks.ts';
import { agentWorkService } from './domain/agent-work.ts';
import { externalCommandService } from './domain/external-commands.ts';
import { externalRunService } from './domain/external-runs.ts';
import { runMetricsService } from './domain/run-metrics.ts';
import { healthSweeper } from './domain/health.ts';
import { nodeConfigs } from './domain/node-config.ts';
import { commandService } from './domain/run-commands.ts';
import type { RunDispatch } from './domain/run-dispatch.ts';
import type { RunFeed } from './domain/run-feed.ts';
import { taskFeed } from './domain/task-feed.ts';
import { newId } from './ids.ts';
import { agentTaskRepository } from './persistence/agent-tasks.ts';
import { commandRepository } from './persistence/commands.ts';
import { externalRunRepository } from './persistence/external-runs.ts';
import { heartbeatRepository } from './persistence/heartbeats.ts';
import { figuresOf } from './persistence/run-figures.ts';

const clock = () => new Date();

/** Runs that a runtime outside carries out, and the commands it fetches. */
export function createExternal({ config, db, metrics }: Base, store: Store, feed: RunFeed) {
  const { run_rows: runs, values, readDefinition } = store;
  const { heartbeat_interval_seconds, stale_after_seconds, metric_points, command_lease_seconds } =
    config.external_runs;
  const rows = externalRunRepository(db);
  const heartbeats = heartbeatRepository(db);
  const external = externalRunService({
    runs,
    rows,
    heartbeats,
    values,
    limits: {
      interval_seconds: heartbeat_interval_seconds,
      stale_after_seconds,
      points: metric_points,
    },
    metrics,
    ids: newId,
    clock,
  });
  const external_commands = externalCommandService({
    db,
    external,
    rows,
    commands: commandRepository(db),
    feed,
    readDefinition,
    lease_seconds: command_lease_seconds,
    ids: newId,
  });
  const run_metrics = runMetricsService({ runs, heartbeats, figuresOf: (run_id) => figuresOf(db, run_id) });
  return { external, external_commands, run_metrics };
}

export type External = ReturnType<typeof createExternal>;

/** What accepts commands for runs: for those outside as well, where the process has what they need. */
export function createCommands(
  { config, db }: Base,
  store: Store,
  to: { dispatch: RunDispatch } & Partial<Pick<External, 'external_commands'>>,
) {
  return commandService({
    runs: store.run_rows,
    commands: commandRepository(db),
    external: to.external_commands,
    dispatch: to.dispatch,
    expire_after_seconds: config.runs.command_expiry_seconds,
    ids: newId,
    clock,
  });
}

/** What judges the silence of runtimes. */
export function createHealthSweeper({ config, db }: Base) {
  return healthSweeper({ db, limits: config.external_runs });
}

/** What agents outside ask for, in the API. */
export function createAgentWork({ config, db }: Base, { values }: Store, dispatch: RunDispatch) {
  const task_feed = taskFeed();
  const agent_work = agentWorkService({
    tasks: agentTaskRepository(db),
    values,
    dispatch,
    feed: task_feed,
    lease_seconds: config.agent_tasks.lease_seconds,
    ids: newId,
    clock,
  });
  return { task_feed, agent_work };
}

/** What offers tasks to them, for the workflows. */
export function createAgentTasks(base: Base, store: Store, temporal: TemporalExecutions) {
  const { values, readDefinition } = store;
  return agentTaskOpener({
    tasks: agentTaskRepository(base.db),
    configs: nodeConfigs({ values }),
    executions: createRunExecutions(base, store, temporal),
    values,
    readDefinition,
    ids: newId,
  });
}
