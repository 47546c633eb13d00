import type { NodeResult } from '../src/contract/activities.ts';
import { runChild } from './child-run.ts';
import type { Execution } from './execution.ts';
import { nodeActivities } from './options.ts';
import { taskOf } from './task.ts';
import type { Unit } from './unit.ts';

/** One attempt of what is done outside the workflow: by an activity, or by a run of its own. */
export function carryOut(x: Execution, unit: Unit, attempt: number): Promise<NodeResult> {
  const task = taskOf(x, unit, attempt);
  if (unit.body.type === 'run') return runChild(x, unit, task);
  const isCode = unit.body.type === 'code';
  const activities = nodeActivities(unit, isCode ? x.input.task_queues.code : undefined);
  return isCode ? activities.code(task) : activities.http(task);
}
