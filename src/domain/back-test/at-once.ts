import type { PlanNode } from '../../contract/plan.ts';
import { hasRun } from './guard.ts';
import { type AtOnce, stateNow, stepThen, type Walk } from './walk-parts.ts';

/** Whether the turn of a node comes before anything outside can have ended. */
export function beginsAtOnce(walk: Walk, { needs }: PlanNode): AtOnce {
  const all = needs.map((need) => walk.at_once.get(need));
  if (all.includes(false)) return false;
  return all.includes(undefined) ? undefined : true;
}

/** Whether a node that had its turn has ended by then. What is carried out in the workflow ends in its turn. */
export function endsAtOnce(walk: Walk, node: PlanNode): AtOnce {
  const begins = beginsAtOnce(walk, node);
  return begins === true ? endsInTurn(walk, node) : begins;
}

function endsInTurn(walk: Walk, { id, type }: PlanNode): AtOnce {
  const told = walk.told.get(id);
  const state = stateNow(walk, id);
  if (state === undefined) return undefined;
  if (type === 'transform' || state === 'skipped') return true;
  if (state !== 'failed') return false;
  if (told?.kind === 'worked_out') return told.path === `/nodes/${id}/if` ? true : undefined;
  if (!hasRun(walk, id)) return true;
  // A list, or how long to wait, may have been what could not be evaluated.
  return stepThen(walk, id)?.error?.code === 'expression_error' ? undefined : false;
}
