import type { TemporalRuns } from './clients/temporal-link.ts';
import type { Config } from './config.ts';
import type { Base, Store } from './container-store.ts';
import type { SandboxReport } from './contract/sandbox.ts';
import { runAcceptance } from './domain/run-accept.ts';
import { runAdmission, type RunAdmission } from './domain/run-admission.ts';
import { doneSteps } from './domain/run-done.ts';
import { runDispatch, type RunDispatch } from './domain/run-dispatch.ts';
import { heldCommands } from './domain/run-held.ts';
import { runOpener } from './domain/run-open.ts';
import { newId } from './ids.ts';
import { commandRepository } from './persistence/commands.ts';
import { externalRunRepository } from './persistence/external-runs.ts';
import { admissionRepository } from './persistence/flow-admission.ts';
import { outboxRepository } from './persistence/outbox.ts';

const clock = () => new Date();

/** What every execution of a run is told of this installation. */
export const inputOptions = ({ worker, runs }: Config) => ({
  code_task_queue: worker.code_task_queue,
  history_limit: runs.continue_as_new_after_events,
});

/** What carries accepted starts and commands to Temporal, each when its turn has come; in whichever process. */
export function createRunFlow(base: Base, store: Store, temporal: TemporalRuns) {
  const { config, db, logger } = base;
  const dispatch = runDispatch({
    temporal,
    outbox: outboxRepository(db),
    runs: store.run_rows,
    commands: commandRepository(db),
    planOf: store.planOf,
    doneSteps: doneSteps({ steps: store.steps }),
    held: createHeldCommands(base, temporal, (keys) => admission.admitSoon(keys)),
    ...inputOptions(config),
    onError: (err, item) => logger.warn({ err, run_id: item.run_id, kind: item.kind }, 'not delivered yet'),
    clock,
  });
  const admission: RunAdmission = runAdmission({
    admissions: admissionRepository(db),
    dispatch,
    clock,
    onError: (err, gate) => logger.warn({ err, gate }, 'nobody was admitted'),
  });
  return { dispatch, admission, accept: createAcceptance(base, dispatch, admission) };
}

export type RunFlow = ReturnType<typeof createRunFlow>;

/** How runs come to be, in whichever process. */
export function createRunOpener(
  { config: { quotas } }: Base,
  store: Store,
  { accept }: RunFlow,
  sandbox: () => SandboxReport | null,
) {
  const { run_rows: runs, tags, refs, builtins, settings, readDefinition, planOf, blobs } = store;
  const { inline_bytes, input_bytes } = store;
  return runOpener({
    runs,
    accept,
    refs,
    builtins,
    settings,
    // 0 in the configuration is no quota.
    principal_quota: {
      open_runs: quotas.principal_open_runs || null,
      runs_per_day: quotas.principal_runs_per_day || null,
    },
    tagPositions: (project_id, workflow) => tags.positions(project_id, workflow),
    readDefinition,
    planOf,
    blobs,
    sandbox,
    inline_bytes,
    input_bytes,
    ids: newId,
    clock,
  });
}

function createHeldCommands(
  { db, metrics }: Base,
  temporal: TemporalRuns,
  admitSoon: RunAdmission['admitSoon'],
) {
  const changes = externalRunRepository(db);
  return heldCommands({
    changes,
    commands: commandRepository(db),
    temporal,
    admitSoon,
    metrics,
    ids: newId,
    clock,
  });
}

function createAcceptance({ db, logger }: Base, dispatch: RunDispatch, admission: RunAdmission) {
  return runAcceptance({
    db,
    admission,
    dispatch,
    ids: newId,
    clock,
    onError: (err, run_id) => logger.warn({ err, run_id }, 'not admitted yet'),
  });
}
