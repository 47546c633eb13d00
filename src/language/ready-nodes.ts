import type { Plan, PlanNode } from '../contract/plan.ts';
import type { StepState } from '../contract/run.ts';

export interface ReadyNode {
  node: PlanNode;
  /** A node before it was skipped or failed, and stands in its way. */
  blocked: boolean;
}

/** Which nodes may go next, decided only by how the nodes before them ended. */
export interface Graph {
  /** The next node all of whose `needs` have ended. It is not offered again, unless put back. */
  takeReady(): ReadyNode | undefined;
  putBack(id: string): void;
  /** A node has ended; `opens` tells whether the nodes behind it may run. */
  settle(id: string, opens: boolean): void;
  done(): number;
  isDone(): boolean;
}

/** Whether a node that ended so lets those that need it run. */
export const opensWay = (state: StepState, { continue_on_error }: PlanNode): boolean =>
  state === 'succeeded' || continue_on_error;

/** `under_way`: nodes an earlier execution of the run has begun, which must not be offered. */
export function createGraph(plan: Plan, under_way: readonly string[]): Graph {
  const needs_left = new Map(plan.order.map((id) => [id, plan.nodes[id]?.needs.length ?? 0]));
  const ready = plan.order.filter((id) => needs_left.get(id) === 0);
  const taken = new Set(under_way);
  const blocked = new Set<string>();
  const settled = new Set<string>();

  return {
    takeReady() {
      for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
        const node = plan.nodes[id];
        if (!node || taken.has(id) || settled.has(id)) continue;
        taken.add(id);
        return { node, blocked: blocked.has(id) && !node.always };
      }
      return undefined;
    },
    putBack(id) {
      taken.delete(id);
      ready.unshift(id);
    },
    settle(id, opens) {
      settled.add(id);
      for (const next of plan.nodes[id]?.dependents ?? []) {
        if (!opens) blocked.add(next);
        const left = (needs_left.get(next) ?? 0) - 1;
        needs_left.set(next, left);
        if (left === 0) ready.push(next);
      }
    },
    done: () => settled.size,
    isDone: () => settled.size === plan.order.length,
  };
}
