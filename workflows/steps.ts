import type { Json, JsonObject } from '../src/contract/json.ts';
import type { StepRecord } from '../src/contract/journal.ts';
import type { PlanNode } from '../src/contract/plan.ts';
import type { HeldStep, StepError, StepState } from '../src/contract/run.ts';
import type { ApprovalAwaited, Decision } from '../src/contract/workflows.ts';
import type { AttemptEnd } from './attempts.ts';
import type { Execution } from './execution.ts';
import type { WaitEnd } from './waits.ts';

type StepNote = Pick<StepRecord, 'state' | 'output' | 'error' | 'cause'> & { attempt?: number };

/** A step the workflow carries out itself changes: its row and its event go to the journal. */
export function noteStep(x: Execution, node: PlanNode, note: StepNote, extra: JsonObject = {}): void {
  const { attempt = 1, ...rest } = note;
  const now = Date.now();
  const ended = note.state === 'waiting' ? {} : { ended_at_ms: now };
  // What began before keeps its beginning: a row's `started_at` is written once.
  const step: StepRecord = { node: node.id, item: -1, attempt, started_at_ms: now, ...ended, ...rest };
  const data: JsonObject = { node: node.id, attempt, ...extra };
  if (note.error) data.error = { ...note.error };
  x.journal.note({ event: `step.${note.state}`, data, step });
}

/** A light step begins. Its row costs nothing when its end is written by the same flush. */
export function noteStart(x: Execution, node: PlanNode): void {
  x.current_step = node.id;
  const step: StepRecord = {
    node: node.id,
    item: -1,
    attempt: 1,
    state: 'running',
    started_at_ms: Date.now(),
  };
  x.journal.note({ event: 'step.started', data: { node: node.id, attempt: 1 }, step });
}

/** The node has ended for good: what waits for it may go, unless it failed. */
export function settle(x: Execution, node: PlanNode, held: HeldStep): void {
  x.values.steps[node.id] = held;
  x.graph.settle(node.id, held.state === 'succeeded' || node.continue_on_error);
  x.news = true;
}

/** Notes and settles in one: for steps without an activity. */
export function endLightStep(x: Execution, node: PlanNode, note: StepNote): void {
  noteStep(x, node, note);
  settle(x, node, { state: note.state, output: { value: note.output ?? null }, error: note.error ?? null });
  if (note.state === 'failed' && note.error) failRun(x, node, note.error, false);
}

export function skipStep(x: Execution, node: PlanNode): void {
  endLightStep(x, node, { state: 'skipped' });
}

/** After a failure nothing new is dispatched, and what only waits is over (contract §2). */
export function failRun(x: Execution, node: PlanNode, error: StepError, engine: boolean): void {
  if (node.continue_on_error && !engine) return;
  x.failure ??= { ...error, step: node.id, engine };
  cancelWaiting(x);
}

/** Ends waits and back-offs at once; activities in flight are another matter. */
export function cancelWaiting(x: Execution): void {
  for (const id of x.waits.cancelAll()) endWait(x, id, { state: 'cancelled' });
  for (const id of x.attempts.cancelRetries()) {
    const node = x.plan.nodes[id];
    if (node) settle(x, node, { state: 'failed', output: { value: null }, error: null });
  }
}

/** The clock of a wait has run out: that is its end, its timeout, or what stands for a decision. */
export function onWaitEnd(x: Execution, id: string, { waited_ms, timed_out, wait }: WaitEnd): void {
  const { awaits } = wait;
  if (timed_out) return endWait(x, id, { state: 'failed', error: WAIT_TIMEOUT, cause: 'timeout' });
  if (awaits?.kind === 'approval') return endWait(x, id, undecided(awaits));
  if (awaits?.kind === 'event' && awaits.on_timeout === 'fail')
    return endWait(x, id, { state: 'failed', error: EVENT_TIMEOUT, cause: 'timeout' });
  endWait(x, id, { state: 'succeeded', output: { waited_ms, payload: null } });
}

const WAIT_TIMEOUT = { code: 'timeout', message: 'The wait outlasted its timeout.' };
const EVENT_TIMEOUT = { code: 'timeout', message: 'The event did not come in time.' };

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
  id: string,
  end: { state: StepState; output?: Json; error?: StepError; cause?: string },
): void {
  const node = x.plan.nodes[id];
  if (node) endLightStep(x, node, end);
}

/** An attempt of a node with an activity has ended: tried again, or settled. */
export function onAttemptEnd(x: Execution, node: PlanNode, end: AttemptEnd): void {
  const { state, attempt, cause, output, error } = end;
  x.news = true;
  if (!end.recorded) noteStep(x, node, { state, attempt, cause, error: error ?? undefined });
  const ending = x.failure !== null || x.control.stopRequest() !== undefined;
  const again = ending ? undefined : x.attempts.retry(node, end);
  if (again) {
    x.journal.note({
      event: 'step.retrying',
      data: { node: node.id, attempt: attempt + 1, in_ms: again.in_ms },
    });
    return;
  }
  settle(x, node, { state, output, error });
  if (state === 'failed')
    failRun(x, node, error ?? { code: 'failed', message: 'The step failed.' }, end.engine);
}
