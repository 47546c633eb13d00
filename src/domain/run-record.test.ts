import { v7 } from 'uuid';
import { overlapping } from '../../test/support/overlap.ts';
import { acceptCancel, insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, PROJECT_ID, testStore, type TestStore } from '../../test/support/store.ts';
import type { Execution } from '../clients/temporal-executions.ts';
import type { JournalEntry, JournalFlush, RunEnd } from '../contract/journal.ts';
import type { RunState } from '../contract/run.ts';
import { commandRepository } from '../persistence/commands.ts';
import { runExecutionRepository } from '../persistence/run-executions.ts';
import { runJournalRepository } from '../persistence/run-journal.ts';
import { runRepository } from '../persistence/runs.ts';
import { stepRepository } from '../persistence/steps.ts';
import { runExecutions, type RunExecutions } from './run-executions.ts';
import { runRecorder, type RunRecorder } from './run-record.ts';

let opened: TestStore;
let version: { artifact_id: string; version_hash: string };
let recorder: RunRecorder;
let executions: RunExecutions;
let id: string;
/** What Temporal would answer. */
let current: Execution | undefined;
let is_reset: boolean;
const mismatches: unknown[] = [];
const [first, second] = [v7(), v7()];

beforeAll(async () => {
  opened = await testStore();
  const { head } = await opened.store.workflows.save(caller, {
    tag: 'w',
    definition: definitionOf(1),
    expectation: {},
  });
  version = { artifact_id: head.id, version_hash: head.version_hash };
  const { db } = opened.database;
  const runs = runRepository(db);
  executions = runExecutions({
    runs,
    executions: runExecutionRepository(db),
    temporal: { describe: () => Promise.resolve(current), isReset: () => Promise.resolve(is_reset) },
  });
  recorder = runRecorder({
    journal: runJournalRepository(db),
    steps: stepRepository(db),
    runs,
    executions,
    admission: { admitSoon: () => undefined },
    metrics: { runEnded: () => undefined },
    onMismatch: (about) => mismatches.push(about),
    ids: v7,
    clock: () => new Date(),
  });
});
afterAll(() => opened.close());
beforeEach(async () => {
  id = await insertRun(opened.database.db, version);
  current = undefined;
  is_reset = false;
  mismatches.length = 0;
});

const open = (temporal_run_id: string, state?: RunState): Execution => ({
  temporal_run_id,
  closed_as: undefined,
  state,
  is_busy: false,
});

const change = (from: RunState, to: RunState): JournalEntry => ({
  event: `run.${to}`,
  at_ms: Date.now(),
  data: {},
  change: { from, to, actor: 'engine' },
});

const flush = (seq: number, ...entries: JournalEntry[]): JournalFlush => ({
  run_id: id,
  epoch: 0,
  seq,
  entries,
  done: 0,
  total: 1,
  in_flight: 0,
  current_step: null,
});

const end = (seq: number, entry: JournalEntry): RunEnd => ({
  ...flush(seq, entry),
  run: { id, workflow: 'x', project_id: PROJECT_ID, created_at: new Date().toISOString() },
  type: 'dag',
  version_hash: version.version_hash,
  outcome: { output: { value: null }, error: null },
  complete: false,
});

const row = async () => (await runRepository(opened.database.db).findAny(id))!;
const log = async () => {
  const { rows } = await opened.database.pool.query<{ type: string }>(
    'SELECT type FROM run_event WHERE run_id = $1 ORDER BY seq',
    [id],
  );
  return rows.map(({ type }) => type);
};

it('writes a flush once, however often it comes', async () => {
  for (let n = 0; n < 3; n++) await recorder.flush(flush(1, change('queued', 'running')), first);
  expect(await log()).toEqual(['run.queued', 'run.running']);
  expect(await row()).toMatchObject({ state: 'running', temporal_run_id: first, journal_seq: 1, epoch: 0 });
});

it('refuses a change that the table does not have, and writes nothing of its flush', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  const refused = flush(2, change('running', 'paused'), change('paused', 'provisioning'));
  await expect(recorder.flush(refused, first)).rejects.toMatchObject({ code: 'transition_forbidden' });
  expect(await row()).toMatchObject({ state: 'running', journal_seq: 1 });
  expect(await log()).toHaveLength(2);
});

it('leaves a step ended that has ended, when the task that began it is done again', async () => {
  const step = { node: 'a', item: -1, attempt: 1, state: 'running', started_at_ms: Date.now() } as const;
  const started = { event: 'step.started', at_ms: Date.now(), data: { node: 'a', attempt: 1 }, step };
  const begun = flush(1, change('queued', 'running'), started);
  await recorder.flush({ ...begun, history_length: 3 }, first);
  const steps = stepRepository(opened.database.db);
  const ended = { state: 'succeeded', output: 1, output_hash: null, error: null, cause: null } as const;
  const at = { run_id: id, node: 'a', item: -1, attempt: 1 };
  expect(await steps.end(at, ended)).toBe(true);
  await recorder.flush({ ...begun, history_length: 6 }, first);
  expect(await steps.end(at, ended)).toBe(false);
  expect(await log()).toEqual(['run.queued', 'run.running', 'step.started', 'step.succeeded']);
});

it('of a task done twice at once each thing is told once, whichever story comes first', async () => {
  await recorder.flush({ ...flush(1, change('queued', 'running')), history_length: 3 }, first);
  await recorder.flush({ ...flush(1), history_length: 6 }, first);
  const told = (n: number) => ({
    event: 'step.skipped',
    at_ms: Date.now(),
    data: { node: `n${n}`, attempt: 1 },
  });
  const both = [3, 6].flatMap((history_length) => [
    recorder.flush({ ...flush(2, told(1), told(2)), history_length }, first),
    recorder.flush({ ...flush(3, told(3)), history_length }, first),
  ]);
  await Promise.all(both);
  await recorder.flush({ ...flush(2, told(1), told(2)), history_length: 6 }, first);
  const types = (await log()).filter((type) => type === 'step.skipped');
  expect(types).toHaveLength(3);
});

it('is running again when the task that told of its pause is done again, with the resume', async () => {
  const answered = (name: string, state: string) => ({
    event: `command.${state}`,
    at_ms: Date.now(),
    data: { id: name },
  });
  await recorder.flush(
    { ...flush(1, change('queued', 'running')), history_length: 3, state: 'running' },
    first,
  );
  const paused = flush(2, change('running', 'paused'), answered('p', 'acknowledged'));
  await recorder.flush({ ...paused, history_length: 8, state: 'paused' }, first);
  const both = flush(2, answered('p', 'superseded'), answered('r', 'acknowledged'));
  await recorder.flush({ ...both, history_length: 12, state: 'running' }, first);
  expect((await row()).state).toBe('running');
  // Who did it first comes late: its story is over.
  await recorder.flush({ ...flush(3), history_length: 8, state: 'paused' }, first);
  expect((await row()).state).toBe('running');
  expect(await log()).toEqual([
    'run.queued',
    'run.running',
    'run.paused',
    'command.acknowledged',
    'command.acknowledged',
    'run.resumed',
  ]);
});

it('what is accepted or begins while the end waits for the row of the run ends with it', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  const at = { run_id: id, node: 'a', item: -1, attempt: 1 };
  const ended = await overlapping(
    opened.database,
    async (tx) => {
      expect(await acceptCancel(tx, id, 'late')).toBe(true);
      await stepRepository(tx).begin(at, null);
    },
    () => recorder.end(end(2, change('running', 'completed')), first),
  );
  expect(ended).toBe('completed');
  await expectClosed();
});

it('an end that was written by a process that came no further is closed by the next', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  expect(await acceptCancel(opened.database.db, id, 'late')).toBe(true);
  await opened.database.pool.query(
    `UPDATE run SET state = 'completed', ended_at = now(), journal_seq = 2 WHERE id = $1`,
    [id],
  );
  expect(await recorder.end(end(2, change('running', 'completed')), first)).toBe('completed');
  await expectClosed();
});

async function expectClosed(): Promise<void> {
  const { db, pool } = opened.database;
  expect(await commandRepository(db).list(id)).toMatchObject([
    { id: 'late', state: 'rejected', reason: 'The run has ended.' },
  ]);
  expect(
    (await stepRepository(db).list(id, 10, undefined)).filter(({ state }) => state !== 'cancelled'),
  ).toEqual([]);
  expect((await pool.query('SELECT FROM outbox WHERE run_id = $1', [id])).rowCount).toBe(0);
}

it('goes on from the state of a row that is not where its workflow is, and says so', async () => {
  await opened.database.pool.query(`UPDATE run SET state = 'provisioning' WHERE id = $1`, [id]);
  await recorder.flush(flush(1, change('queued', 'running'), change('running', 'paused')), first);
  expect(await row()).toMatchObject({ state: 'paused', journal_seq: 1 });
  expect(mismatches).toEqual([{ run_id: id, row: 'provisioning', workflow: 'queued' }]);
});

it('refuses what a mended flush must not do either', async () => {
  await opened.database.pool.query(`UPDATE run SET state = 'terminating' WHERE id = $1`, [id]);
  await expect(recorder.flush(flush(1, change('running', 'paused')), first)).rejects.toMatchObject({
    code: 'transition_forbidden',
  });
  expect((await row()).state).toBe('terminating');
});

it('lets a continuation take the run over as it is', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  current = open(second);
  await recorder.flush(flush(2, change('running', 'paused')), second);
  expect(await row()).toMatchObject({ state: 'paused', temporal_run_id: second, epoch: 0, journal_seq: 2 });
  // What is left of the first one comes too late, with whatever number.
  await recorder.flush(flush(9, change('running', 'completed')), first);
  expect(await row()).toMatchObject({ state: 'paused', temporal_run_id: second, journal_seq: 2 });
});

it('opens a run again for a reset, in the next epoch, and takes its flush once', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  await recorder.end(end(2, change('running', 'failed')), first);
  expect((await row()).ended_at).not.toBeNull();
  current = open(second);
  is_reset = true;
  const again = flush(2, change('running', 'paused'));
  for (let n = 0; n < 2; n++) await recorder.flush(again, second);
  expect(await row()).toMatchObject({
    state: 'paused',
    epoch: 1,
    ended_at: null,
    snapshot_id: null,
    error: null,
  });
  expect(await log()).toEqual(['run.queued', 'run.running', 'run.failed', 'run.reset', 'run.paused']);
});

it('writes nothing for an execution that a reset has replaced, not even the end of the run', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  current = open(second);
  is_reset = true;
  await recorder.flush(flush(1, change('queued', 'running')), second);
  expect(await row()).toMatchObject({ epoch: 1, temporal_run_id: second });
  await recorder.end(end(2, change('running', 'completed')), first);
  expect(await row()).toMatchObject({ state: 'running', ended_at: null });
});

it('opens a run once when several of its activities find the reset at the same time, and refuses none of them', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  await recorder.end(end(2, change('running', 'failed')), first);
  current = open(second, 'paused');
  is_reset = true;
  const claims = Array.from({ length: 8 }, () =>
    executions.takeOver({ run_id: id, temporal_run_id: second }),
  );
  const standings = await Promise.all(claims);
  expect(standings.sort()).toEqual([...Array<string>(7).fill('its_own'), 'reopened']);
  expect((await log()).filter((type) => type === 'run.reset')).toHaveLength(1);
  expect(await row()).toMatchObject({ state: 'paused', epoch: 1 });
});

it('does not end a run that its workflow has written to since it was looked at', async () => {
  await recorder.flush(flush(1, change('queued', 'running')), first);
  const looked_at = { ...end(2, change('running', 'terminated')), temporal_run_id: first };
  await recorder.flush(flush(2, change('running', 'paused')), first);
  expect(await recorder.writeEnd(looked_at)).toBe(false);
  expect(await row()).toMatchObject({ state: 'paused', ended_at: null });
});
