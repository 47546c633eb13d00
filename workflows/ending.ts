import { condition } from '@temporalio/workflow';
import type { RunOutcome } from '../src/contract/journal.ts';
import type { FinalState, HeldValue, RunError } from '../src/contract/run.ts';
import type { DagInput } from '../src/contract/workflows.ts';
import type { StopRequest } from './control.ts';
import { changeState, type Execution, type Failure } from './execution.ts';
import { callOff } from './tasks.ts';
import { tellChildren } from './child-run.ts';
import { compensate } from './compensation.ts';
import { carryOutFinally } from './finally.ts';
import { evaluateOutput } from './light.ts';
import { applyCommands } from './messages.ts';
import { next, type Soon } from './soon.ts';
import { cancelWaiting } from './steps.ts';

export type DagEnd =
  { kind: 'ended'; state: FinalState; error: RunError | null } | { kind: 'continued'; input: DagInput };

/** Every node has ended: the run completes, or fails with the step that failed first. */
export function finishRun(x: Execution): Soon<DagEnd> {
  if (x.failure) return failedRun(x, x.failure);
  return next(evaluateOutput(x), (result) =>
    'error' in result
      ? end(x, 'failed', { output: NOTHING, error: result.error })
      : end(x, 'completed', { output: result.output, error: null }),
  );
}

/** What succeeded before the failure is undone first; a terminate that came meanwhile has the last word. */
async function failedRun(x: Execution, { engine, ...error }: Failure): Promise<DagEnd> {
  if (x.dropped.length > 0) await callOff(x);
  if (x.undo.length > 0) {
    await compensate(x);
    const stop = x.control.stopRequest();
    if (stop?.as === 'terminated') return stopRun(x, stop);
  }
  return end(x, engine ? 'errored' : 'failed', { output: await lastOutput(x), error });
}

/**
 * Terminate, cancel, or the run's time is over: nothing new starts, what is in flight is cancelled and has ended before the
 * run has. All but terminate undo what succeeded.
 */
export async function stopRun(x: Execution, request: StopRequest): Promise<DagEnd> {
  changeState(x, 'terminating', { as: request.as, reason: request.reason }, request);
  cancelWaiting(x);
  x.attempts.cancelAll();
  await x.journal.flush();
  while (x.attempts.in_flight() > 0) {
    const { as, actor, reason } = standing(x, request);
    await tellChildren(x, as === 'terminated' ? 'terminate' : 'cancel', { actor, reason });
    await condition(() => x.attempts.in_flight() === 0 || x.control.hasNews() || x.children.hasUntold());
    applyCommands(x);
  }
  await callOff(x);
  if (standing(x, request).as !== 'terminated') await compensate(x);
  await carryOutFinally(x);
  const last = standing(x, request);
  const output = await lastOutput(x);
  return end(x, last.as, { output, error: last.as === 'errored' ? TIMED_OUT : null }, last);
}

/** What a run that did not complete has to say all the same. */
async function lastOutput(x: Execution): Promise<HeldValue> {
  const result = x.plan.output_always ? await evaluateOutput(x) : undefined;
  return result && 'output' in result ? result.output : NOTHING;
}

const TIMED_OUT = { code: 'timed_out', message: 'The run was not over in its time.' };

/** A terminate may come after a cancel. */
const standing = (x: Execution, request: StopRequest) => x.control.stopRequest() ?? request;

const NOTHING: HeldValue = { value: null };

async function end(x: Execution, state: FinalState, outcome: RunOutcome, why?: StopRequest): Promise<DagEnd> {
  const { error } = outcome;
  changeState(x, state, error ? { error: { ...error } } : {}, why);
  const { run, version_hash, type = 'dag' } = x.input;
  const standing = await x.journal.end(outcome, { run, type, version_hash });
  return { kind: 'ended', state: standing, error };
}
