import type { NodeTask } from '../src/contract/activities.ts';
import type { ItemSource } from '../src/contract/run.ts';
import type { Execution } from './execution.ts';
import type { Unit } from './unit.ts';
import { taskScope } from './values.ts';

/** What an activity is told of the attempt it makes. */
export function taskOf(x: Execution, unit: Unit, attempt: number): NodeTask {
  const { run, epoch, version_hash } = x.input;
  const { name: node, item } = unit;
  const scope = taskScope(x.values, unit.body.roots, itemOf(x, unit));
  return { run, epoch, version_hash, node, item, attempt, scope, now_ms: Date.now() };
}

/** The element of the list, where the unit's config reads it. */
export function itemOf(x: Execution, unit: Unit): ItemSource | undefined {
  return unit.body.roots.item ? x.maps.itemOf(unit) : undefined;
}
