import { createGuardedFetch } from './clients/http/guarded-fetch.ts';
import type { TemporalMaintenance, TemporalRuns } from './clients/temporal-link.ts';
import type { Config } from './config.ts';
import type { Metrics } from './contract/metrics.ts';
import type { Sandbox, SandboxReport } from './contract/sandbox.ts';
import { evaluationService } from './domain/evaluations.ts';
import { idempotencyService } from './domain/idempotency.ts';
import { maintenanceService } from './domain/maintenance.ts';
import { nodeTasks } from './domain/node-tasks.ts';
import { codeNode } from './domain/nodes/code.ts';
import { httpNode } from './domain/nodes/http.ts';
import { planCache, planReader } from './domain/plans.ts';
import { projectService } from './domain/projects.ts';
import { retentionService } from './domain/retention.ts';
import { commandService } from './domain/run-commands.ts';
import { runDispatch } from './domain/run-dispatch.ts';
import { messageService } from './domain/run-messages.ts';
import { runFeed } from './domain/run-feed.ts';
import { runReads } from './domain/run-reads.ts';
import { runRecorder } from './domain/run-record.ts';
import { runService } from './domain/runs.ts';
import { runValues } from './domain/values.ts';
import { storeServices } from './domain/store.ts';
import { newId } from './ids.ts';
import { createObjectStores } from './object-stores.ts';
import { spoolDirectory } from './clients/objects/spool.ts';
import { VERSION } from './version.ts';
import type { Logger } from './log.ts';
import { commandRepository } from './persistence/commands.ts';
import type { Db } from './persistence/db.ts';
import { idempotencyRepository } from './persistence/idempotency.ts';
import { outboxRepository } from './persistence/outbox.ts';
import { projectRepository } from './persistence/projects.ts';
import { runEventRepository } from './persistence/run-events.ts';
import { runJournalRepository } from './persistence/run-journal.ts';
import { runRepository } from './persistence/runs.ts';
import { stepRepository } from './persistence/steps.ts';

export interface Base {
  config: Config;
  db: Db;
  logger: Logger;
  metrics: Metrics;
}

const clock = () => new Date();

/** What both sides use: the versioned store, and the values of runs. */
export function createStore({ config, db, logger, metrics }: Base) {
  const { limits } = config;
  const store = storeServices({
    db,
    ids: newId,
    limits: {
      blob_bytes: limits.blob_bytes,
      inline_blob_bytes: config.store.inline_blob_bytes,
      bundle_bytes: limits.bundle_bytes,
      bundle_artifacts: limits.bundle_artifacts,
      chain: limits.chain,
      compact_after: config.store.compact_after_patches,
      undo_window_days: config.store.undo_window_days,
    },
    objects: createObjectStores(config, db),
    spools: spoolDirectory(config.store.spool_directory),
    onCorrupt: (cas_id) => logger.error({ cas_id }, 'a stored blob failed verification'),
    onBreakGlass: (event) => {
      logger.warn(event, 'a tag was written past its gate');
      metrics.glassBroken(event.command);
    },
  });
  const steps = stepRepository(db);
  const runs = runRepository(db);
  const inline_bytes = limits.inline_value_bytes;
  const values = runValues({ runs, steps, blobs: store.blobs, inline_bytes });
  const readDefinition = (version_hash: string) => store.definitions.readPinned(version_hash);
  const planOf = planCache(readDefinition);
  return { ...store, steps, run_rows: runs, values, readDefinition, planOf, inline_bytes };
}

export type Store = ReturnType<typeof createStore>;

/** What the API needs beyond the database. */
export interface Outside {
  temporal: TemporalRuns;
  maintenance: TemporalMaintenance;
  /** What the code agent of this installation found; null where agents are elsewhere or have not reported. */
  sandbox: () => SandboxReport | null;
}

/** The services of the API process. */
export function createApiServices(base: Base, store: Store, { temporal, maintenance, sandbox }: Outside) {
  const { config, db, logger, metrics } = base;
  const { run_rows: runs, refs, tags, blobs, readDefinition, planOf, inline_bytes } = store;
  const commands = commandRepository(db);
  const feed = runFeed();
  const dispatch = runDispatch({
    temporal,
    outbox: outboxRepository(db),
    runs,
    commands,
    planOf,
    code_task_queue: config.worker.code_task_queue,
    history_limit: config.runs.continue_as_new_after_events,
    onError: (err, item) => logger.warn({ err, run_id: item.run_id, kind: item.kind }, 'not delivered yet'),
  });
  const control = commandService({ runs, commands, dispatch, ids: newId, clock });
  return {
    feed,
    dispatch,
    projects: projectService({ projects: projectRepository(db) }),
    idempotency: createIdempotency(base),
    commands: control,
    messages: messageService({ runs, steps: store.steps, commands: control, readDefinition, inline_bytes }),
    runs: runService({
      runs,
      refs,
      tagPositions: (project_id, workflow) => tags.positions(project_id, workflow),
      readDefinition,
      planOf,
      blobs,
      dispatch,
      feed,
      metrics,
      sandbox,
      inline_bytes,
      ids: newId,
      clock,
    }),
    maintenance: createMaintenance(config, store, maintenance),
    reads: runReads({
      runs,
      steps: store.steps,
      events: runEventRepository(db),
      readBlob: async (project_id, cas_id) => (await blobs.get(project_id, cas_id)).bytes,
    }),
  };
}

export type ApiServices = ReturnType<typeof createApiServices>;

function createIdempotency({ db, logger }: Base) {
  return idempotencyService({
    keys: idempotencyRepository(db),
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
export function createInterpreterServices({ db, metrics }: Base, store: Store, temporal: TemporalRuns) {
  const { values, steps, run_rows: runs, planOf, inline_bytes } = store;
  return {
    recorder: runRecorder({ journal: runJournalRepository(db), steps, runs, metrics, ids: newId, clock }),
    evaluations: evaluationService({ values, steps, runs, inline_bytes }),
    readPlan: planReader(planOf),
    terminate: async (run_id: string) => {
      await temporal.terminate(run_id, 'The run was terminated by a command.');
    },
  };
}

/** The services of the worker that keeps the store in order. */
export function createMaintenanceServices({ config, db }: Base, { gc, fsck }: Store) {
  const { retention_days } = config.runs;
  const { undo_window_days } = config.store;
  return { gc, fsck, retention: retentionService({ db, retention_days, undo_window_days }) };
}

/** The nodes a worker can carry out: `http` everywhere, `code` where there is a sandbox. */
export function createNodeTasks({ config }: Base, store: Store, agent: { id: string; sandbox?: Sandbox }) {
  const { steps, values, blobs, readDefinition, inline_bytes } = store;
  const fetch = createGuardedFetch({ allow: config.http_node.allow_hosts });
  return nodeTasks({
    steps,
    values,
    blobs,
    readDefinition,
    executors: {
      http: httpNode({ fetch, inline_bytes, version: VERSION }),
      ...(agent.sandbox ? { code: codeNode({ sandbox: agent.sandbox, blobs }) } : {}),
    },
    agent_id: agent.id,
  });
}
