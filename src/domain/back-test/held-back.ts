import type { PlanNode } from '../../contract/plan.ts';
import { beginsAtOnce } from './at-once.ts';
import { type AtOnce, type FailingStep, nodeThen, stepThen, type Walk } from './walk-parts.ts';

/**
 * Whether a step that could go otherwise does not, because the run has failed by then; undefined where that depends on which
 * step is faster. `could_go_then`: its needs and its guard let it go in the run.
 */
export function isHeldBack(
  walk: Walk,
  node: PlanNode,
  could_go_then: boolean | undefined,
): boolean | undefined {
  if (node.always) return false;
  const failing = [...walk.failing.keys()].filter((id) => id !== node.id && !comesAfter(walk, id, node.id));
  if (failing.length === 0) return false;
  if (failing.some((id) => walk.ancestors.get(node.id)?.has(id))) return true;
  if (walk.unsettled) return undefined;
  return asThen(walk, node, failing, could_go_then) ?? byTurns(walk, node, failing);
}

/** What cannot begin before the node has ended holds nothing back. */
const comesAfter = (walk: Walk, id: string, node: string) => walk.ancestors.get(id)?.has(node) === true;

/** The run itself shows how the race went, unless other steps take part in it. */
function asThen(
  walk: Walk,
  { id, type }: PlanNode,
  failing: readonly string[],
  could_go_then: boolean | undefined,
): boolean | undefined {
  const step = stepThen(walk, id);
  const before = nodeThen(walk, id);
  if (!step || !before || before.always || before.type !== type) return undefined;
  if (could_go_then !== true || !walk.same_past.has(id)) return undefined;
  if (failing.some((one) => walk.failing.get(one)?.same_past === false)) return undefined;
  const was_held_back = step.state === 'skipped';
  if (was_held_back) return [...walk.failed_then].every((one) => failing.includes(one)) ? true : undefined;
  return failing.every((one) => walk.failed_then.has(one)) ? false : undefined;
}

/** Carried out only once everything that is ready has had its turn. */
const LATER = new Set(['http', 'code', 'run', 'builtin']);

/** What ends in the workflow itself does so one after the other, before anything outside can end. */
function byTurns(walk: Walk, node: PlanNode, failing: readonly string[]): boolean | undefined {
  const begins = beginsAtOnce(walk, node);
  const verdicts = failing.map((id) =>
    comesFirst(walk.failing.get(id), node, begins, walk.turns.get(node.id)),
  );
  if (verdicts.includes(true)) return true;
  return verdicts.includes(undefined) ? undefined : false;
}

/** Whether a failure comes before a node is carried out. */
function comesFirst(
  other: FailingStep | undefined,
  { type }: PlanNode,
  begins: AtOnce,
  turn = Infinity,
): boolean | undefined {
  const is_later = LATER.has(type);
  if (!other || other.at_once === undefined) return undefined;
  // It begins first; whether it is stopped before it has ended is another question.
  if (!other.at_once) return begins === true ? false : undefined;
  if (begins === false || other.turn < turn || is_later) return true;
  return begins === true && type === 'transform' ? false : undefined;
}
