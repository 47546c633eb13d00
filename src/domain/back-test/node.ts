import type { PlanNode } from '../../contract/plan.ts';
import { guardRoots } from '../../language/light-config.ts';
import { bodyNow } from './body.ts';
import { readsTheSame } from './evaluate.ts';
import { couldGoThen, guardNow } from './guard.ts';
import { isHeldBack } from './held-back.ts';
import {
  failedWith,
  isSameSet,
  nodeThen,
  opensNow,
  opensThen,
  RECORDED,
  SKIPPED,
  stepThen,
  type Told,
  unknown,
  type Walk,
} from './walk-parts.ts';

/** What would become of a node whose turn it is; `blocked`: what it needs is certain to stand in its way. */
export function nodeNow(walk: Walk, node: PlanNode, blocked: boolean): Told {
  const { id } = node;
  if (walk.isOutOfTime()) return unknown('out_of_time');
  if (isSkippedAsThen(walk, node)) return RECORDED;
  if (blocked) return SKIPPED;
  const held_back = isHeldBack(walk, node, couldGoThen(walk, id));
  if (held_back) return SKIPPED;
  const verdict = guardNow(walk, node);
  if ('pass' in verdict && !verdict.pass) return SKIPPED;
  if ('unknown' in verdict) return unknown(verdict.unknown);
  if (!node.always && node.needs.some((need) => opensNow(walk, need) === undefined))
    return unknown('depends_on_unknown');
  if (held_back === undefined) return unknown('depends_on_timing');
  if ('pass' in verdict) return bodyNow(walk, node);
  return failedWith(verdict.error, `/nodes/${id}/if`);
}

/** Nothing of what decided then is otherwise. */
function isSkippedAsThen(walk: Walk, node: PlanNode): boolean {
  const before = nodeThen(walk, node.id);
  return (
    stepThen(walk, node.id)?.state === 'skipped' && before !== undefined && decidesAsThen(walk, node, before)
  );
}

function decidesAsThen(walk: Walk, node: PlanNode, before: PlanNode): boolean {
  const { failing, failed_then, same_past } = walk;
  return (
    node.guard === before.guard &&
    node.always === before.always &&
    isSameSet(node.needs, before.needs) &&
    node.needs.every((need) => opensNow(walk, need) === opensThen(walk, need)) &&
    isSameSet([...failing.keys()], [...failed_then]) &&
    // Which of a step and a failure comes first is as it was.
    (failing.size === 0 || (same_past.has(node.id) && [...failing.values()].every((one) => one.same_past))) &&
    (node.guard === undefined || readsTheSame(walk, guardRoots(node.guard_roots)) === true)
  );
}
