import type { OpenExecution, TemporalExecutions } from '../clients/temporal-executions.ts';
import type { ReconcileRepository } from '../persistence/reconcile.ts';
import { examineRun, type Difference, type ExamineDeps } from './reconcile-run.ts';
import type { RunExecutions } from './run-executions.ts';

/** A run that wants a closer look. Undefined when nothing is wrong with it. */
export interface Suspect {
  run_id: string;
  examine: () => Promise<Difference | undefined>;
}

export interface LookDeps extends ExamineDeps {
  rows: ReconcileRepository;
  temporal: TemporalExecutions;
  executions: RunExecutions;
}

const PAGE = 1_000;
/** What is younger is still on its way. */
const SETTLED_SECONDS = 10;
/** A workflow at rest answers at once. */
const UNANSWERED_SECONDS = 30;
const FIRST = '00000000-0000-0000-0000-000000000000';
const RUN_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Everything that looks wrong. A healthy installation costs one call to Temporal and two statements for each 1,000 open runs,
 * and three more in all; only what looks wrong is asked about singly.
 */
export async function* suspects(deps: LookDeps, onChecked: (runs: number) => void): AsyncGenerator<Suspect> {
  const open = new Set<string>();
  for await (const page of deps.temporal.open()) {
    page.forEach(({ run_id }) => open.add(run_id));
    yield* ofExecutions(deps, page);
  }
  yield* ofRuns(deps, open, onChecked);
  yield* ofCommands(deps);
  const leftovers = await deps.rows.leftovers(false);
  if (leftovers.length > 0) yield* leftInOutbox(deps, leftovers);
}

/** Open executions whose run has another one, or none. */
async function* ofExecutions({ rows, executions }: LookDeps, page: OpenExecution[]): AsyncGenerator<Suspect> {
  const [ours, others] = [page.filter(isOfARun), page.filter((execution) => !isOfARun(execution))];
  for (const { run_id } of others) yield suspect(unknown(run_id));
  for (const { run_id, temporal_run_id, known } of await rows.disagreeing(ours)) {
    const repair = async () => (await executions.takeOver({ run_id, temporal_run_id })) === 'reopened';
    const detail = 'Another execution has it: it was reset, or has continued as new.';
    yield suspect(known ? { kind: 'reset', run_id, detail, repair } : unknown(run_id));
  }
}

/** What needs no closer look. */
const suspect = (difference: Difference): Suspect => ({
  run_id: difference.run_id,
  examine: () => Promise.resolve(difference),
});

const isOfARun = ({ run_id }: OpenExecution): boolean => RUN_ID.test(run_id);

const unknown = (run_id: string): Difference => ({
  kind: 'unknown_execution',
  run_id,
  detail: 'Temporal carries out a run that the database does not have.',
});

/** Open runs that no open execution is there for, or whose parent has ended. */
async function* ofRuns(
  deps: LookDeps,
  open: ReadonlySet<string>,
  onChecked: (runs: number) => void,
): AsyncGenerator<Suspect> {
  for (let after = FIRST; ;) {
    const page = await deps.rows.openRuns(after, SETTLED_SECONDS, PAGE);
    for (const { id, orphaned } of page) {
      if (!open.has(id) || orphaned) yield { run_id: id, examine: () => examineRun(deps, id, orphaned) };
    }
    onChecked(page.length);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.id;
  }
}

/** Commands that a workflow should have answered, had it heard of them. */
async function* ofCommands({ rows, temporal, ids }: LookDeps): AsyncGenerator<Suspect> {
  for (const command of await rows.unanswered(UNANSWERED_SECONDS, PAGE)) {
    const { run_id, id } = command;
    const examine = async (): Promise<Difference | undefined> => {
      const execution = await temporal.describe(run_id);
      // One that is busy has yet to look, or waits for what is in flight; one that is not there is another matter.
      if (!execution || execution.closed_as || execution.is_busy) return undefined;
      const detail = `The command ${id} was not answered: it is sent again.`;
      const repair = () => rows.requeueCommand(command, ids());
      return { kind: 'command_unanswered', run_id, detail, repair };
    };
    yield { run_id, examine };
  }
}

function* leftInOutbox({ rows }: LookDeps, run_ids: string[]): Generator<Suspect> {
  let removed: Promise<string[]> | undefined;
  for (const run_id of new Set(run_ids)) {
    const repair = async () => (await (removed ??= rows.leftovers(true))).includes(run_id);
    const detail = 'The outbox has something for a run that has ended.';
    yield suspect({ kind: 'outbox_leftover', run_id, detail, repair });
  }
}
