import { condition, getExternalWorkflowHandle, patched, workflowInfo } from '@temporalio/workflow';
import type { PlanNode } from '../src/contract/plan.ts';
import { CHILD_SIGNAL, type ChildNews } from '../src/contract/workflows.ts';
import { tellChildren } from './child-run.ts';
import { beginDeadline } from './clocks.ts';
import { dispatchOne, endMap } from './dispatch.ts';
import { carriedOver } from './carry-over.ts';
import { finishRun, stopRun, type DagEnd } from './ending.ts';
import { changeState, noteCommand, putBack, type Execution } from './execution.ts';
import { evaluateGuard } from './light.ts';
import { applyCommands, applyCommandsInTurn } from './messages.ts';
import { next, type Soon } from './soon.ts';
import { endLightStep, skipStep } from './steps.ts';
import { callOff } from './tasks.ts';
import { nodeUnit, type Unit } from './unit.ts';

/** A light node costs no round trip, but a workflow task must not go on for long without yielding. */
const LIGHT_NODES_PER_FLUSH = 100;

/**
 * Runs a plan to its end, or to where the history is long enough to continue as new. One loop: look at
 * what the outside wants, dispatch what is ready, make it durable, wait for news.
 */
export async function interpret(x: Execution): Promise<DagEnd> {
  if (x.state === 'queued') {
    changeState(x, 'running', {});
    beginDeadline(x);
  }
  for (;;) {
    const is_held_up = applyCommandsInTurn(x);
    const stop = x.control.stopRequest();
    if (stop) return stopRun(x, stop);
    const moved = await (x.control.isPausing() ? quiesce(x) : advance(x));
    if (moved) continue;
    if (is_held_up) {
      applyCommands(x);
      continue;
    }
    if (x.graph.isDone() && x.state === 'running') return finishRun(x);
    // Whatever is about to be waited for, the outside sees how far the run is.
    if (x.dropped.length > 0) await callOff(x);
    else if (!x.journal.isEmpty()) await x.journal.flush();
    // Nothing is awaited between the look at the commands and this: none of them can be lost on the way.
    else if (isHistoryLong(x) && x.attempts.in_flight() === 0)
      return { kind: 'continued', input: carriedOver(x) };
    else await waitForNews(x);
  }
}

async function waitForNews(x: Execution): Promise<void> {
  await condition(() => x.news || x.control.hasNews() || x.control.stopRequest() !== undefined);
  x.news = false;
}

/** Stops the clocks; the run is `paused` only once nothing moves, below it either. True when something changed. */
function quiesce(x: Execution): Soon<boolean> {
  x.waits.hold();
  if (x.state === 'paused') return false;
  if (x.children.hasUntold('pause')) return tellChildren(x, 'pause', PASSED_ON);
  if (x.attempts.in_flight() > x.children.paused()) return noteQuiescing(x);
  changeState(x, 'paused', {});
  x.control.confirmPause((outcome) => noteCommand(x, outcome));
  tellParent(x, 'paused');
  return true;
}

/** Says once how much is still in flight. True when it was not said before. */
function noteQuiescing(x: Execution): boolean {
  if (x.quiescing || !patched('note-quiescing')) return false;
  x.quiescing = true;
  x.journal.note({ event: 'run.pausing', data: { in_flight: x.attempts.in_flight() } });
  return true;
}

function advance(x: Execution): Soon<boolean> {
  if (x.state === 'paused') {
    changeState(x, 'running', {});
    tellParent(x, 'resumed');
    x.waits.release();
  }
  // A pause that was overtaken before the run stood still.
  if (x.waits.isHeld() && patched('release-after-overtaken-pause')) x.waits.release();
  x.quiescing = false;
  if (x.children.hasTold('pause'))
    return tellChildren(x, 'resume', PASSED_ON, ({ told }) => told === 'pause');
  if (x.children.isOutOfTime()) return tellChildren(x, 'cancel', OUT_OF_TIME, ({ timed_out }) => timed_out);
  // Once the history is long, what is in flight ends and nothing is added to it.
  if (isHistoryLong(x)) return false;
  return dispatch(x);
}

const PASSED_ON = { actor: 'engine', reason: 'As the run above it.' };
const OUT_OF_TIME = { actor: 'engine', reason: 'The time of the step that began it is over.' };

/** A run that stands still tells the one that waits for it; if that has ended, nobody needs to know. */
function tellParent(x: Execution, news: ChildNews['news']): void {
  const { parent_run_id, run } = x.input;
  if (parent_run_id === undefined) return;
  const about: ChildNews = { run_id: run.id, news };
  getExternalWorkflowHandle(parent_run_id)
    .signal(CHILD_SIGNAL, about)
    .catch(() => undefined);
}

function isHistoryLong(x: Execution): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength > x.input.history_limit;
}

/** Dispatches everything that is ready. True when something was. */
async function dispatch(x: Execution): Promise<boolean> {
  const heavy: Unit[] = [];
  let taken = 0;
  for (let going = dispatchNext(x, heavy); going; going = dispatchNext(x, heavy)) {
    if (going.done) await going.done;
    if (++taken % LIGHT_NODES_PER_FLUSH === 0) await x.journal.flush();
  }
  if (heavy.length > 0) await startAttempts(x, heavy);
  const over = x.maps.takeOver();
  for (const map of over) await endMap(x, map);
  return taken > 0 || over.length > 0;
}

/** Begins the next node, or the next item of a map; undefined when nothing is ready. */
function dispatchNext(x: Execution, heavy: Unit[]): { done: void | Promise<void> } | undefined {
  const ready = x.graph.takeReady();
  if (!ready) {
    const item = x.maps.takeReady();
    return item && { done: dispatchOne(x, item, heavy) };
  }
  const { node, blocked } = ready;
  const unit = nodeUnit(node);
  if (blocked || (x.failure && !node.always)) return { done: skipStep(x, unit) };
  return { done: next(mayRun(x, node, unit), (may) => (may ? dispatchOne(x, unit, heavy) : undefined)) };
}

/** Nothing starts outside before what led to it is durable. */
async function startAttempts(x: Execution, units: Unit[]): Promise<void> {
  if (!x.journal.isEmpty()) await x.journal.flush();
  // The flush took time: a pause, a stop or a failure that came meanwhile goes first.
  const all_wait = x.control.hasNews() || x.control.isPausing() || x.control.stopRequest() !== undefined;
  const waits = ({ node }: Unit) => all_wait || (x.failure !== null && !node.always);
  for (const unit of units.filter(waits).reverse()) putBack(x, unit);
  for (const unit of units.filter((one) => !waits(one))) {
    x.current_step = unit.name;
    x.attempts.start(unit);
  }
}

/** Evaluates the guard, unless this is another attempt. A node that may not run is settled. */
function mayRun(x: Execution, node: PlanNode, unit: Unit): Soon<boolean> {
  if (x.attempts.isRetry(unit)) return true;
  return next(evaluateGuard(x, node), (verdict) => {
    if ('error' in verdict) endLightStep(x, unit, { state: 'failed', error: verdict.error });
    else if (!verdict.pass) skipStep(x, unit);
    return 'pass' in verdict && verdict.pass;
  });
}
