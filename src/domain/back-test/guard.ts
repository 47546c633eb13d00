import type { BackTestUnknownReason } from '../../contract/back-test.ts';
import type { PlanNode } from '../../contract/plan.ts';
import { guardRoots, guardVerdict } from '../../language/light-config.ts';
import { type Evaluated, evaluateNow, evaluateThen, type Reading } from './evaluate.ts';
import { nodeThen, opensThen, stepThen, type Walk } from './walk-parts.ts';

export type Verdict = { pass: boolean } | { error: string } | { unknown: BackTestUnknownReason };

/** What the guard of a node says now. */
export const guardNow = (walk: Walk, node: PlanNode): Verdict => verdictOf(node, (r) => evaluateNow(walk, r));

/** Whether the run has on record what a node gave, or failed with; where its guard failed it was not carried out. */
export function hasRun(walk: Walk, id: string): boolean {
  const step = stepThen(walk, id);
  const before = nodeThen(walk, id);
  if (!step || !before || step.state === 'skipped') return false;
  if (before.guard === undefined || step.error?.code !== 'expression_error') return true;
  return !('error' in verdictOf(before, (reading) => evaluateThen(walk, reading)));
}

/** Whether needs and guard let a node go then; undefined where that cannot be told, or where there was no such node. */
export function couldGoThen(walk: Walk, id: string): boolean | undefined {
  const node = nodeThen(walk, id);
  const step = stepThen(walk, id);
  if (!node || !step) return undefined;
  // An earlier failure, or else what the node did shows it.
  if (step.state !== 'skipped') return true;
  if (!node.always && node.needs.some((need) => opensThen(walk, need) === false)) return false;
  const verdict = verdictOf(node, (reading) => evaluateThen(walk, reading));
  return 'pass' in verdict ? verdict.pass : undefined;
}

function verdictOf({ id, guard, guard_roots }: PlanNode, evaluate: (reading: Reading) => Evaluated): Verdict {
  if (guard === undefined) return { pass: true };
  const template = { kind: 'expression', source: guard } as const;
  const found = evaluate({ template, roots: guardRoots(guard_roots), node: id });
  if (!('value' in found)) return found;
  const verdict = guardVerdict(found.value);
  return 'error' in verdict ? { error: verdict.error.message } : verdict;
}
