import type { TemporalExecutions } from './clients/temporal-link.ts';
import type { Base, Store } from './container-store.ts';
import { reconcileService } from './domain/reconcile.ts';
import type { RunAdmission } from './domain/run-admission.ts';
import { runExecutions } from './domain/run-executions.ts';
import { runRecorder } from './domain/run-record.ts';
import { newId } from './ids.ts';
import { commandRepository } from './persistence/commands.ts';
import { reconcileRepository } from './persistence/reconcile.ts';
import { runExecutionRepository } from './persistence/run-executions.ts';
import { runJournalRepository } from './persistence/run-journal.ts';

const clock = () => new Date();

/** Which execution writes a run: asked by everything that does. */
export function createRunExecutions({ db }: Base, store: Store, temporal: TemporalExecutions) {
  return runExecutions({ runs: store.run_rows, executions: runExecutionRepository(db), temporal });
}

export interface RecorderParts {
  temporal: TemporalExecutions;
  /** Lets in who waited for the end of a run. */
  admission: Pick<RunAdmission, 'admitSoon'>;
}

/** What writes the records of runs. */
export function createRecorder(base: Base, store: Store, { temporal, admission }: RecorderParts) {
  const { db, logger, metrics } = base;
  return runRecorder({
    journal: runJournalRepository(db),
    steps: store.steps,
    runs: store.run_rows,
    executions: createRunExecutions(base, store, temporal),
    admission,
    metrics,
    onMismatch(about) {
      logger.error(about, 'a run was not in the state its workflow came from');
      metrics.runRepaired('state_mismatch');
    },
    ids: newId,
    clock,
  });
}

/** What holds runs against Temporal. */
export function createReconciler(base: Base, store: Store, parts: RecorderParts) {
  const { temporal } = parts;
  const { db, logger, metrics } = base;
  return reconcileService({
    rows: reconcileRepository(db),
    runs: store.run_rows,
    commands: commandRepository(db),
    temporal,
    executions: createRunExecutions(base, store, temporal),
    recorder: createRecorder(base, store, parts),
    onRepair(finding) {
      logger.warn(finding, 'a run differed from Temporal');
      metrics.runRepaired(finding.kind);
    },
    onError: (err, run_id) => logger.error({ err, run_id }, 'a run could not be held against Temporal'),
    ids: newId,
    clock,
  });
}
