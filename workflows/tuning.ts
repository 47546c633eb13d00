import type { JsonObject } from '../src/contract/json.ts';
import type { PlanBody, PlanNode } from '../src/contract/plan.ts';
import type { CommandSignal, NodeOptions, TunedOptions } from '../src/contract/workflows.ts';
import type { Reception } from './control.ts';
import type { Execution } from './execution.ts';

/**
 * Sets params, which every step evaluated from here on sees, and options of nodes, which their next attempts have. What may
 * be set was checked when the command was accepted.
 */
export function tune(x: Execution, { payload }: CommandSignal): Reception {
  if (x.control.stopRequest()) return { state: 'rejected', reason: 'The run is already ending.' };
  const options = (payload.nodes ?? {}) as unknown as TunedOptions;
  const unknown = Object.keys(options).filter((id) => !x.plan.nodes[id]);
  if (unknown.length > 0) return { state: 'rejected', reason: `There is no step ${unknown.join(', ')}.` };
  x.values.params = { ...x.values.params, ...(payload.params as JsonObject | undefined) };
  for (const [id, set] of Object.entries(options)) {
    x.tuned[id] = merged(x.tuned[id], set);
    setOptions(x, id, x.tuned[id]);
  }
  return { state: 'acknowledged', tuned: { params: x.values.params, nodes: { ...x.tuned } } };
}

/** Lays what was tuned before over the plan, when another execution takes over. */
export function retune(x: Execution): void {
  for (const [id, options] of Object.entries(x.tuned)) setOptions(x, id, options);
}

function merged(before: NodeOptions | undefined, set: NodeOptions): NodeOptions {
  return { ...before, ...set, retry: { ...before?.retry, ...set.retry } };
}

/** A map's attempts are those of its items. */
function setOptions(x: Execution, id: string, options: NodeOptions): void {
  const node = x.plan.nodes[id];
  if (!node) return;
  const map = node.map && {
    ...node.map,
    max_parallel: options.max_parallel ?? node.map.max_parallel,
    body: withOptions(node.map.body, options),
  };
  const tuned: PlanNode = map ? { ...node, map } : { ...node, ...withOptions(node, options) };
  x.plan.nodes[id] = tuned;
  if (map) x.maps.setNode(tuned);
}

function withOptions<T extends PlanBody>(body: T, { retry, timeout_seconds }: NodeOptions): T {
  return { ...body, retry: { ...body.retry, ...retry }, ...(timeout_seconds ? { timeout_seconds } : {}) };
}
