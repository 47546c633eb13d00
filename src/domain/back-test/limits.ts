import type { PlanNode } from '../../contract/plan.ts';
import { mayRetry } from '../../language/retry.ts';
import type { RecordedStep } from './recorded.ts';
import { nodeThen, RECORDED, stepThen, type Told, unknown, type Walk } from './walk-parts.ts';

/** The recorded result of work that is the same, unless what limits it now would have made it another. */
export function limitsNow(walk: Walk, node: PlanNode): Told {
  const step = stepThen(walk, node.id);
  const before = nodeThen(walk, node.id);
  if (!step || !before) return unknown('has_no_result', true);
  const as_then = isSameFailing(walk);
  // Who waits, or rests before another attempt, is told to stop when the run fails.
  if (step.state === 'cancelled') return as_then ? RECORDED : unknown('was_cut_short', true);
  if (!as_then && isCutShort(before, step)) return unknown('was_cut_short', true);
  if (couldBeStopped(walk, node, step)) return unknown('depends_on_timing', true);
  if (isSameLimits(node, before)) return RECORDED;
  if (walk.run.tuned_nodes.includes(node.id)) return unknown('limits_changed', true);
  return fits(node, before, step) ? RECORDED : unknown('limits_changed', true);
}

const isSameFailing = ({ failing, failed_then }: Walk) =>
  failing.size === failed_then.size && [...failed_then].every((id) => failing.has(id));

/** A failure that came later then, or not at all, may come first, and then this step is told to stop. */
function couldBeStopped(walk: Walk, { id, type }: PlanNode, { attempt }: RecordedStep): boolean {
  const { failing, failed_then, same_past, ancestors } = walk;
  if (attempt === 1 && !WAITING.has(type)) return false;
  return [...failing].some(([one, about]) => {
    const in_order = ancestors.get(one)?.has(id) || ancestors.get(id)?.has(one);
    const as_then = failed_then.has(one) && about.same_past && same_past.has(id);
    return one !== id && !in_order && !as_then;
  });
}

/** What goes on without anything being in flight. */
const WAITING = new Set<string>(['map', 'wait', 'approval', 'agent']);

/** It failed with attempts left. */
const isCutShort = ({ retry }: PlanNode, step: RecordedStep) =>
  step.state === 'failed' && mayRetry(retry, attemptOf(step));

const attemptOf = ({ attempt, error, cause }: RecordedStep) => ({ attempt, error, cause, engine: false });

function isSameLimits(a: PlanNode, b: PlanNode): boolean {
  const names = (node: PlanNode) => [...node.retry.non_retryable].sort().join('\n');
  return (
    a.timeout_seconds === b.timeout_seconds &&
    a.retry.max_attempts === b.retry.max_attempts &&
    names(a) === names(b)
  );
}

/** Whether it would have ended in the same attempt, and in time. */
function fits({ retry, timeout_seconds }: PlanNode, before: PlanNode, step: RecordedStep): boolean {
  const { attempt, state, cause, started_at_ms, ended_at_ms } = step;
  if (attempt > 1 && retry.non_retryable.join('\n') !== before.retry.non_retryable.join('\n')) return false;
  if (attempt > retry.max_attempts) return false;
  if (state === 'failed' && mayRetry(retry, attemptOf(step))) return false;
  if (timeout_seconds === before.timeout_seconds) return true;
  if (cause === 'timeout' || started_at_ms === null || ended_at_ms === null) return false;
  return timeout_seconds === undefined || ended_at_ms - started_at_ms < timeout_seconds * 1_000;
}
