import { condition } from '@temporalio/workflow';
import type { RunOutcome } from '../src/contract/journal.ts';
import type { FinalState, HeldStep, HeldValue, RunError } from '../src/contract/run.ts';
import type { DagProgress } from '../src/contract/workflows.ts';
import type { StopRequest } from './control.ts';
import { changeState, type Execution } from './execution.ts';
import { evaluateOutput, next, type Soon } from './light.ts';
import { applyCommands } from './messages.ts';
import { cancelWaiting } from './steps.ts';
import { jsonBytes } from './values.ts';

export type DagEnd =
  { kind: 'ended'; state: FinalState; error: RunError | null } | { kind: 'continued'; progress: DagProgress };

/** What continue-as-new may carry inline; the rest is in the database. */
const CARRIED_BYTES = 48 * 1024;

/** Every node has ended: the run completes, or fails with the step that failed first. */
export function finishRun(x: Execution): Soon<Promise<DagEnd>> {
  if (x.failure) {
    const { engine, ...error } = x.failure;
    return end(x, engine ? 'errored' : 'failed', { output: NOTHING, error });
  }
  return next(evaluateOutput(x), (result) =>
    'error' in result
      ? end(x, 'failed', { output: NOTHING, error: result.error })
      : end(x, 'completed', { output: result.output, error: null }),
  );
}

/** Terminate or cancel: nothing new starts, what is in flight is cancelled and has ended before the run has. */
export async function stopRun(x: Execution, request: StopRequest): Promise<DagEnd> {
  changeState(x, 'terminating', { as: request.as, reason: request.reason }, request);
  cancelWaiting(x);
  x.attempts.cancelAll();
  await x.journal.flush();
  while (x.attempts.in_flight() > 0) {
    await condition(() => x.attempts.in_flight() === 0 || x.control.hasNews());
    applyCommands(x);
  }
  const last = x.control.stopRequest() ?? request;
  return end(x, last.as, { output: NOTHING, error: null }, last);
}

const NOTHING: HeldValue = { value: null };

async function end(x: Execution, state: FinalState, outcome: RunOutcome, why?: StopRequest): Promise<DagEnd> {
  const { error } = outcome;
  changeState(x, state, error ? { error: { ...error } } : {}, why);
  const { run, version_hash } = x.input;
  const standing = await x.journal.end(outcome, { run, type: 'dag', version_hash });
  return { kind: 'ended', state: standing, error };
}

/** What the next execution takes over, once everything noted is durable. */
export function progressOf(x: Execution): DagProgress {
  return {
    state: x.state,
    journal_seq: x.journal.seq(),
    steps: carriedSteps(x.values.steps),
    waits: x.waits.progress(),
    events: x.events,
    attempts: x.attempts.made(),
    failure: x.failure,
    ...x.control.snapshot(),
  };
}

/** The smallest outputs stay inline as long as there is room; the others are read where they are needed. */
function carriedSteps(steps: Record<string, HeldStep>): Record<string, HeldStep> {
  const sized = Object.entries(steps).map(([id, step]) => {
    const bytes = 'value' in step.output ? jsonBytes(step.output.value) : 0;
    return { id, step, bytes };
  });
  let room = CARRIED_BYTES;
  const carried: Record<string, HeldStep> = {};
  for (const { id, step, bytes } of sized.sort((a, b) => a.bytes - b.bytes)) {
    room -= bytes;
    carried[id] = room >= 0 ? step : { ...step, output: { stored: true } };
  }
  return carried;
}
