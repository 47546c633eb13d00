import { condition, workflowInfo } from '@temporalio/workflow';
import type { PlanNode } from '../src/contract/plan.ts';
import type { DagEnd } from './ending.ts';
import { changeState, noteCommand, type Execution } from './execution.ts';
import { finishRun, progressOf, stopRun } from './ending.ts';
import { evaluateGuard, evaluateTransform, next, openWait, type Soon } from './light.ts';
import { applyCommands, takeKept } from './messages.ts';
import { endLightStep, noteStart, noteStep, settle, skipStep } from './steps.ts';

/** A light node costs no round trip, but a workflow task must not go on for long without yielding. */
const LIGHT_NODES_PER_FLUSH = 100;

/**
 * Runs a plan to its end, or to where the history is long enough to continue as new. One loop: look at
 * what the outside wants, dispatch what is ready, make it durable, wait for news.
 */
export async function interpret(x: Execution): Promise<DagEnd> {
  if (x.state === 'queued') changeState(x, 'running', {});
  for (;;) {
    applyCommands(x);
    const stop = x.control.stopRequest();
    if (stop) return stopRun(x, stop);
    const moved = x.control.isPausing() ? quiesce(x) : await advance(x);
    if (moved) continue;
    if (x.graph.isDone() && x.state === 'running') return finishRun(x);
    // Whatever is about to be waited for, the outside sees how far the run is.
    if (!x.journal.isEmpty()) await x.journal.flush();
    // Nothing is awaited between the look at the commands and this: none of them can be lost on the way.
    else if (isHistoryLong(x) && x.attempts.in_flight() === 0)
      return { kind: 'continued', progress: progressOf(x) };
    else await waitForNews(x);
  }
}

async function waitForNews(x: Execution): Promise<void> {
  await condition(() => x.news || x.control.hasNews() || x.control.stopRequest() !== undefined);
  x.news = false;
}

/** Stops the clocks; the run is `paused` only once nothing is in flight. True when something changed. */
function quiesce(x: Execution): boolean {
  x.waits.hold();
  if (x.state === 'paused' || x.attempts.in_flight() > 0) return false;
  changeState(x, 'paused', {});
  x.control.confirmPause((outcome) => noteCommand(x, outcome));
  return true;
}

function advance(x: Execution): Soon<boolean> {
  if (x.state === 'paused') {
    changeState(x, 'running', {});
    x.waits.release();
  }
  // Once the history is long, what is in flight ends and nothing is added to it.
  if (isHistoryLong(x)) return false;
  return dispatch(x);
}

function isHistoryLong(x: Execution): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength > x.input.history_limit;
}

/** Dispatches everything that is ready. True when something was. */
async function dispatch(x: Execution): Promise<boolean> {
  const heavy: PlanNode[] = [];
  let taken = 0;
  for (let ready = x.graph.takeReady(); ready; ready = x.graph.takeReady()) {
    const { node, blocked } = ready;
    if (blocked || (x.failure && !node.always)) skipStep(x, node);
    else {
      const going = next(mayRun(x, node), (may) => (may ? dispatchOne(x, node, heavy) : undefined));
      if (going) await going;
    }
    if (++taken % LIGHT_NODES_PER_FLUSH === 0) await x.journal.flush();
  }
  if (heavy.length > 0) await startAttempts(x, heavy);
  return taken > 0;
}

function dispatchOne(x: Execution, node: PlanNode, heavy: PlanNode[]): Soon<void> {
  if (node.type === 'transform') return runTransform(x, node);
  if (node.type === 'wait' || node.type === 'approval') return beginWait(x, node);
  heavy.push(node);
}

/** Nothing starts outside before what led to it is durable. */
async function startAttempts(x: Execution, nodes: PlanNode[]): Promise<void> {
  if (!x.journal.isEmpty()) await x.journal.flush();
  // The flush took time: a pause, a stop or a failure that came meanwhile goes first.
  const held = x.control.hasNews() || x.control.isPausing() || x.control.stopRequest() || x.failure;
  for (const node of held ? nodes.reverse() : nodes) {
    if (held) x.graph.putBack(node.id);
    else {
      x.current_step = node.id;
      x.attempts.start(node);
    }
  }
}

/** Evaluates the guard, unless this is another attempt. A node that may not run is settled. */
function mayRun(x: Execution, node: PlanNode): Soon<boolean> {
  if (x.attempts.isRetry(node.id)) return true;
  return next(evaluateGuard(x, node), (verdict) => {
    if ('error' in verdict) endLightStep(x, node, { state: 'failed', error: verdict.error });
    else if (!verdict.pass) skipStep(x, node);
    return 'pass' in verdict && verdict.pass;
  });
}

function runTransform(x: Execution, node: PlanNode): Soon<void> {
  noteStart(x, node);
  return next(evaluateTransform(x, node), (end) => {
    if ('error' in end) return endLightStep(x, node, { state: 'failed', error: end.error });
    if (!end.recorded && 'value' in end.output)
      noteStep(x, node, { state: 'succeeded', output: end.output.value });
    settle(x, node, { state: 'succeeded', output: end.output, error: null });
  });
}

function beginWait(x: Execution, node: PlanNode): Soon<void> {
  noteStart(x, node);
  return next(openWait(x, node), (opened) => {
    if ('error' in opened) return endLightStep(x, node, { state: 'failed', error: opened.error });
    const { wait, about } = opened;
    noteStep(x, node, { state: 'waiting' }, { wait_ms: wait.remaining_ms, ...about });
    x.waits.begin(node.id, wait);
    takeKept(x, node.id);
  });
}
