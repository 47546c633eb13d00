import type { Json, JsonObject } from '../src/contract/json.ts';
import type { StepRecord } from '../src/contract/journal.ts';
import type { HeldStep, StepError, StepState } from '../src/contract/run.ts';
import type { ApprovalAwaited, Decision } from '../src/contract/workflows.ts';
import { opensWay } from '../src/language/ready-nodes.ts';
import type { AttemptEnd } from './attempts.ts';
import { endClock, unitKeyOf } from './clocks.ts';
import type { Execution } from './execution.ts';
import { placeOf, unitOf, type Unit } from './unit.ts';
import type { WaitEnd } from './waits.ts';

type StepNote = Pick<StepRecord, 'state' | 'output' | 'error' | 'cause'> & { attempt?: number };

/** A step the workflow carries out itself changes: its row and its event go to the journal. */
export function noteStep(x: Execution, unit: Unit, note: StepNote, extra: JsonObject = {}): void {
  const { attempt = 1, ...rest } = note;
  const now = Date.now();
  const ended = note.state === 'waiting' ? {} : { ended_at_ms: now };
  const { name: node, item } = unit;
  // What began before keeps its beginning: a row's `started_at` is written once.
  const step: StepRecord = { node, item, attempt, started_at_ms: now, ...ended, ...rest };
  const data: JsonObject = { ...placeOf(unit, attempt), ...extra };
  if (note.error) data.error = { ...note.error };
  x.journal.note({ event: `step.${note.state}`, data, step });
}

/** A light step begins. Its row costs nothing when its end is written by the same flush. */
export function noteStart(x: Execution, unit: Unit): void {
  const { name: node, item } = unit;
  x.current_step = node;
  const step: StepRecord = { node, item, attempt: 1, state: 'running', started_at_ms: Date.now() };
  x.journal.note({ event: 'step.started', data: placeOf(unit, 1), step });
}

/** The unit has ended for good: what waits for it may go, unless it failed. */
export function settle(x: Execution, unit: Unit, held: HeldStep, engine = false): void {
  const { node, role } = unit;
  x.attempts.forget(unit);
  endClock(x, unit);
  x.news = true;
  if (role === 'compensation') x.undoing = null;
  else if (role === 'item') x.maps.itemEnded(unit, held, engine);
  else {
    x.values.steps[node.id] = held;
    x.graph.settle(node.id, opensWay(held.state, node));
    if (node.compensate && held.state === 'succeeded') x.undo.push(node.id);
  }
}

/** Notes and settles in one: for steps without an activity. */
export function endLightStep(x: Execution, unit: Unit, note: StepNote, engine = false): void {
  noteStep(x, unit, note);
  const { state, output = null, error = null } = note;
  settle(x, unit, { state, output: { value: output }, error }, engine);
  if (state === 'failed' && error) failRun(x, unit, error, engine);
}

export function skipStep(x: Execution, unit: Unit): void {
  endLightStep(x, unit, { state: 'skipped' });
}

/** After a failure nothing new is dispatched, and what only waits is over (contract §2). */
export function failRun(x: Execution, { role, node }: Unit, error: StepError, engine: boolean): void {
  // An item fails its map, and what undoes something cannot fail what has failed already.
  if (role !== 'node' || (node.continue_on_error && !engine)) return;
  x.failure ??= { ...error, step: node.id, engine };
  cancelWaiting(x);
}

/** Ends waits and back-offs at once, and offers no more items; activities in flight are another matter. */
export function cancelWaiting(x: Execution): void {
  x.maps.stopAll();
  for (const key of x.waits.cancelAll()) endWait(x, key, { state: 'cancelled' });
  for (const unit of x.attempts.cancelRetries())
    settle(x, unit, { state: 'failed', output: { value: null }, error: null });
}

/** The clock of a wait has run out: that is its end, its timeout, or what stands for a decision. */
export function onWaitEnd(x: Execution, key: string, { waited_ms, timed_out, wait }: WaitEnd): void {
  const { awaits } = wait;
  x.news = true;
  if (awaits?.kind === 'work') return outOfTime(x, unitKeyOf(key) ?? key);
  if (awaits?.kind === 'agent') return endTask(x, key, awaits.attempt, TASK_TIMEOUT);
  if (timed_out) return endWait(x, key, { state: 'failed', error: WAIT_TIMEOUT, cause: 'timeout' });
  if (awaits?.kind === 'approval') return endWait(x, key, undecided(awaits));
  if (awaits?.kind === 'event' && awaits.on_timeout === 'fail')
    return endWait(x, key, { state: 'failed', error: EVENT_TIMEOUT, cause: 'timeout' });
  endWait(x, key, { state: 'succeeded', output: { waited_ms, payload: null } });
}

const WAIT_TIMEOUT = { code: 'timeout', message: 'The wait outlasted its timeout.' };
const EVENT_TIMEOUT = { code: 'timeout', message: 'The event did not come in time.' };
const MAP_TIMEOUT = { code: 'timeout', message: 'The map ran longer than its timeout.', engine: false };
const TASK_TIMEOUT: TaskEnd = {
  state: 'failed',
  output: { value: null },
  error: { code: 'timeout', message: 'No agent has done it in time.' },
  cause: 'timeout',
};

/** The time of the run, of a map or of a child run is over: what is under way for it is cancelled, and ends first. */
function outOfTime(x: Execution, key: string): void {
  if (key === '') return x.control.timeOut();
  const unit = unitOf(x.plan, key);
  if (!unit) return;
  if (unit.body.type === 'run') return x.children.timeOut((one) => one.key === unit.key);
  const isItem = (one: Unit | undefined) => one?.role === 'item' && one.node.id === unit.node.id;
  x.maps.stop(unit.node.id, MAP_TIMEOUT);
  x.attempts.cancel(isItem);
  x.children.timeOut(isItem);
  for (const wait of x.waits.select(() => true)) {
    if (!isItem(unitOf(x.plan, unitKeyOf(wait) ?? wait))) continue;
    x.waits.finish(wait);
    endWait(x, wait, { state: 'cancelled' });
  }
}

function undecided({ on_timeout, approvals }: ApprovalAwaited) {
  const at = new Date().toISOString();
  const silence: Decision = { decision: on_timeout, by: null, at, comment: null, form: null };
  return { ...decisionEnd(silence, approvals), cause: 'timeout' };
}

/** How an approval ends: the last word is the output's; a rejection fails the step (contract §2). */
export function decisionEnd(last: Decision, approvals: readonly Decision[]) {
  const output = { ...last, approvals: approvals.map((one) => ({ ...one })) };
  if (last.decision === 'approve') return { state: 'succeeded' as const, output };
  const message = last.by === null ? 'Nobody decided in time.' : `Rejected by ${last.by}.`;
  return { state: 'failed' as const, output, error: { code: 'rejected', message } };
}

export function endWait(
  x: Execution,
  key: string,
  end: { state: StepState; output?: Json; error?: StepError; cause?: string },
): void {
  const unit = unitOf(x.plan, key);
  // The clock of a map or of a child run is no step.
  if (!unit || unitKeyOf(key) !== undefined) return;
  const attempt = x.attempts.last(unit);
  if (unit.body.type === 'agent') x.dropped.push({ unit, attempt });
  endLightStep(x, unit, { ...end, attempt });
}

export type TaskEnd = Pick<AttemptEnd, 'state' | 'output' | 'error' | 'cause'>;

/** An agent has answered, or was not to be waited for any longer. */
export function endTask(x: Execution, key: string, attempt: number, end: TaskEnd): void {
  const unit = unitOf(x.plan, key);
  if (!unit) return;
  if (end.cause === 'timeout') x.dropped.push({ unit, attempt });
  onAttemptEnd(x, unit, { ...end, attempt, recorded: false, engine: false });
}

/** An attempt of something carried out outside has ended: tried again, or settled. */
export function onAttemptEnd(x: Execution, began: Unit, end: AttemptEnd): void {
  // Its options may have been tuned since.
  const unit = unitOf(x.plan, began.key) ?? began;
  const { state, attempt, cause, output, error } = end;
  x.news = true;
  if (!end.recorded) {
    const value = 'value' in output ? output.value : undefined;
    noteStep(x, unit, { state, attempt, cause, error: error ?? undefined, output: value });
  }
  const again = isEnding(x, unit) ? undefined : x.attempts.retry(unit, end);
  if (again) {
    const data = { ...placeOf(unit, attempt + 1), in_ms: again.in_ms };
    return x.journal.note({ event: 'step.retrying', data });
  }
  settle(x, unit, { state, output, error }, end.engine);
  if (state === 'failed')
    failRun(x, unit, error ?? { code: 'failed', message: 'The step failed.' }, end.engine);
}

/** Whether nothing is tried again: the run has failed or is being stopped, and this does not undo anything. */
function isEnding(x: Execution, { role, node }: Unit): boolean {
  const stop = x.control.stopRequest();
  if (role === 'compensation') return stop?.as === 'terminated';
  return stop !== undefined || (x.failure !== null && !node.always);
}
