import { condition } from '@temporalio/workflow';
import type { Execution } from './execution.ts';
import { evaluateGuard } from './light.ts';
import { skipStep } from './steps.ts';
import { nodeUnit } from './unit.ts';

/**
 * A run that is stopped leaves nothing behind: the steps that are carried out on every path get their turn, once each, in
 * the order of the plan. Nothing stops them but their own timeout; after a failure they are dispatched as others are.
 */
export async function carryOutFinally(x: Execution): Promise<void> {
  for (const id of x.plan.order) {
    const node = x.plan.nodes[id];
    if (!node?.finally || id in x.values.steps) continue;
    const verdict = await evaluateGuard(x, node);
    if (!('pass' in verdict && verdict.pass)) {
      skipStep(x, nodeUnit(node));
      continue;
    }
    if (!x.journal.isEmpty()) await x.journal.flush();
    x.attempts.start(nodeUnit(node));
    await condition(() => x.attempts.in_flight() === 0);
  }
}
