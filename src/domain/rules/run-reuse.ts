import type { Plan } from '../../contract/plan.ts';
import type { StepState } from '../../contract/run.ts';

/** How a step of the earlier run ended. */
export interface EarlierStep {
  node: string;
  /** -1 outside a map. */
  item: number;
  state: StepState;
}

const COMPENSATE = '.compensate';

/**
 * The steps of an earlier run that a run of `plan` need not carry out again: they have ended well, or badly where that is
 * tolerated, were not undone, and nothing they need has to be done again. `from` and all that follows it is done again.
 */
export function reusableSteps(
  plan: Plan,
  earlier: readonly EarlierStep[],
  from: readonly string[],
): string[] {
  const ended = new Map(earlier.filter(({ item }) => item < 0).map(({ node, state }) => [node, state]));
  const again = new Set(from);
  return plan.order.filter((id) => {
    const node = plan.nodes[id];
    const state = ended.get(id);
    const stands =
      state === 'succeeded' || state === 'skipped' || (state === 'failed' && node?.continue_on_error);
    const undone = ended.has(`${id}${COMPENSATE}`);
    if (stands && !undone && !again.has(id) && !node?.needs.some((need) => again.has(need))) return true;
    again.add(id);
    return false;
  });
}

/** Where a run that did not succeed is taken up again: the step that failed it, or the first that did not end well. */
export function resumePoint(
  plan: Plan,
  earlier: readonly EarlierStep[],
  failed?: string,
): string | undefined {
  if (failed !== undefined && plan.nodes[failed]) return failed;
  const kept = new Set(reusableSteps(plan, earlier, []));
  return plan.order.find((id) => !kept.has(id));
}
