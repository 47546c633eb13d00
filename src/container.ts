import { createGuardedFetch } from './clients/http/guarded-fetch.ts';
import type {
  TemporalExecutions,
  TemporalLink,
  TemporalMaintenance,
  TemporalRefinements,
  TemporalRuns,
  TemporalRunSchedules,
} from './clients/temporal-link.ts';
import type { Config } from './config.ts';
import { createAgents } from './container-agents.ts';
import { createAgentSteps, createBuiltinSteps } from './container-builtins.ts';
import { createAudit } from './container-audit.ts';
import { createCodec } from './container-codec.ts';
import { createEnvironments } from './container-environments.ts';
import { createIde } from './container-ide.ts';
import { createIdentity } from './container-identity.ts';
import { createRunFlow, createRunOpener, inputOptions, type RunFlow } from './container-flow.ts';
import { createAllowances } from './container-limits.ts';
import type { Base, Store } from './container-store.ts';
import { createBulk } from './container-bulk.ts';
import { createReconciler, createRecorder, createRunExecutions } from './container-reconcile.ts';
import { createSecrets, createSecretSource } from './container-secrets.ts';
import { createScheduledRuns, createTriggers, createTriggerServices } from './container-triggers.ts';
import type { AgentSource } from './contract/agent.ts';
import type { Sandbox, SandboxReport } from './contract/sandbox.ts';
import { createAgentTasks, createAgentWork, createCommands, createExternal } from './container-external.ts';
import { experimentService } from './domain/experiments.ts';
import { tuneService } from './domain/tunes.ts';
import { evaluationService } from './domain/evaluations.ts';
import { idempotencyService } from './domain/idempotency.ts';
import { limitService } from './domain/limits.ts';
import { maintenanceService } from './domain/maintenance.ts';
import { nodeTasks } from './domain/node-tasks.ts';
import { httpNode } from './domain/nodes/http.ts';
import { childRuns } from './domain/child-runs.ts';
import { forkService } from './domain/run-forks.ts';
import { mapSteps } from './domain/map-steps.ts';
import { nodeConfigs } from './domain/node-config.ts';
import { planReader } from './domain/plans.ts';
import { retentionService } from './domain/retention.ts';
import { messageService } from './domain/run-messages.ts';
import { runFeed } from './domain/run-feed.ts';
import { runReads } from './domain/run-reads.ts';
import { runService } from './domain/runs.ts';
import { sealedBox } from './domain/sealed-box.ts';
import { newId } from './ids.ts';
import { VERSION } from './version.ts';
import { limitRepository } from './persistence/flow-limits.ts';
import { idempotencyRepository } from './persistence/idempotency.ts';
import { runEventRepository } from './persistence/run-events.ts';

/** What the API needs beyond the database. */
export interface Outside {
  temporal: TemporalRuns;
  executions: TemporalExecutions;
  maintenance: TemporalMaintenance;
  schedules: TemporalRunSchedules;
  refinements: TemporalRefinements;
  /** Keeps the keys that sign tokens. */
  jwt_secret: string;
  /** What the code agent of this installation found; null where agents are elsewhere or have not reported. */
  sandbox: () => SandboxReport | null;
}

/** The services of the API process. */
export function createApiServices(base: Base, store: Store, outside: Outside) {
  const { temporal, executions, maintenance, sandbox } = outside;
  const { config, db, metrics } = base;
  const { run_rows: runs, steps, values, refs, blobs, readDefinition, planOf, inline_bytes } = store;
  const feed = runFeed();
  const audit = createAudit(base);
  const flow = createRunFlow(base, store, temporal);
  const { dispatch, admission } = flow;
  const external = createExternal(base, store, feed);
  const control = createCommands(base, store, { dispatch, ...external });
  const open = createRunOpener(base, store, flow, sandbox);
  const run_service = runService({ runs, open, refs, readDefinition, dispatch, feed, metrics, ids: newId });
  return {
    feed,
    dispatch,
    admission,
    ...createIdentity(base, outside.jwt_secret, store.settings, audit.audit_log),
    settings: store.settings,
    ...createAllowances(base),
    idempotency: createIdempotency(base, outside.jwt_secret),
    ...audit,
    ...external,
    ...createAgents(base),
    ...createAgentWork(base, store, dispatch),
    experiments: experimentService({ refs }),
    commands: control,
    tunes: tuneService({ runs, commands: control, readDefinition }),
    messages: messageService({ runs, steps: store.steps, commands: control, readDefinition, inline_bytes }),
    runs: run_service,
    forks: forkService({ runs, steps, values, refs, planOf, start: (request) => run_service.start(request) }),
    ...createTriggerServices(base, store, { runs: run_service, temporal: outside.schedules }),
    limits: limitService({ limits: limitRepository(db) }),
    maintenance: createMaintenance(config, store, maintenance),
    ...createBulk(base, store, control),
    ide: createIde(base, store, { temporal: outside.refinements, feed }),
    ...createEnvironments(base, store),
    ...createSecrets(base),
    ...createCodec(base),
    reconcile: createReconciler(base, store, { temporal: executions, admission }),
    reads: runReads({
      runs,
      steps: store.steps,
      events: runEventRepository(db),
      readBlob: async (project_id, cas_id) => (await blobs.get(project_id, cas_id)).bytes,
    }),
  };
}

export type ApiServices = ReturnType<typeof createApiServices>;

function createIdempotency({ db, logger }: Base, jwt_secret: string) {
  return idempotencyService({
    keys: idempotencyRepository(db),
    box: sealedBox([jwt_secret], 'idempotency'),
    newId,
    onError: (err) => logger.warn({ err }, 'idempotency keys not tended'),
  });
}

function createMaintenance(
  { store: { gc_grace_seconds } }: Config,
  store: Store,
  temporal: TemporalMaintenance,
) {
  const { gc, fsck } = store;
  return maintenanceService({ temporal, gc, fsck, grace_seconds: gc_grace_seconds });
}

/** The services of the worker that runs workflows. */
export function createInterpreterServices(base: Base, store: Store, temporal: TemporalLink) {
  const { values, steps, run_rows: runs, planOf, blobs, inline_bytes } = store;
  const flow = createRunFlow(base, store, temporal.runs);
  const { dispatch, admission } = flow;
  return {
    dispatch,
    admission,
    recorder: createRecorder(base, store, { temporal: temporal.executions, admission }),
    evaluations: evaluationService({ values, steps, runs, inline_bytes }),
    maps: mapSteps({ values, steps, blobs, output_bytes: base.config.limits.blob_bytes }),
    children: createChildRuns(base, store, flow),
    agent_tasks: createAgentTasks(base, store, temporal.executions),
    readPlan: planReader(planOf),
    terminate: async (run_id: string, temporal_run_id: string) => {
      await temporal.runs.terminate(run_id, temporal_run_id, 'The run was terminated by a command.');
    },
  };
}

function createChildRuns(base: Base, store: Store, flow: RunFlow) {
  const { values, steps, run_rows: runs, readDefinition } = store;
  return childRuns({
    runs,
    steps,
    values,
    // What this installation can run is the API's to know; a step that cannot be carried out waits for an agent.
    open: createRunOpener(base, store, flow, () => null),
    configs: nodeConfigs({ values }),
    readDefinition,
    commands: createCommands(base, store, flow),
    input_options: inputOptions(base.config),
  });
}

/** What a worker does when schedules fire, and what keeps them as they should be. */
export function createScheduleServices(base: Base, store: Store, temporal: TemporalLink) {
  const flow = createRunFlow(base, store, temporal.runs);
  return {
    triggers: createTriggers(base, store, temporal.schedules),
    scheduled: createScheduledRuns(base, store, {
      open: createRunOpener(base, store, flow, () => null),
      commands: createCommands(base, store, { ...flow, ...createExternal(base, store, runFeed()) }),
      input_options: inputOptions(base.config),
    }),
  };
}

/** The services of the worker that keeps the store in order. */
export function createMaintenanceServices(base: Base, store: Store, temporal: TemporalLink) {
  const { config, db } = base;
  const { gc, fsck } = store;
  const { retention_days } = config.runs;
  const { undo_window_days } = config.store;
  const retention = retentionService({ db, retention_days, undo_window_days });
  const { admission } = createRunFlow(base, store, temporal.runs);
  return {
    gc,
    fsck,
    retention,
    reconcile: createReconciler(base, store, { temporal: temporal.executions, admission }),
  };
}

/** What a worker can carry out: programs where there is a sandbox, everything else everywhere. */
export function createNodeTasks(
  base: Base,
  store: Store,
  agent: { id: string; temporal: TemporalLink; sandbox?: Sandbox; manager?: AgentSource },
) {
  const { config } = base;
  const { steps, values, blobs, readDefinition, inline_bytes } = store;
  const fetch = createGuardedFetch({ allow: config.http_node.allow_hosts });
  return nodeTasks({
    steps,
    values,
    blobs,
    readDefinition,
    executors: {
      http: httpNode({ fetch, inline_bytes, version: VERSION }),
      ...createBuiltinSteps(base, store, agent.manager),
      ...(agent.sandbox ? createAgentSteps(base, store, { ...agent, sandbox: agent.sandbox }) : {}),
    },
    configs: nodeConfigs({ values }),
    secrets: createSecretSource(base),
    executions: createRunExecutions(base, store, agent.temporal.executions),
    agent_id: agent.id,
  });
}
