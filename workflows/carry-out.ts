import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import type { NodeResult, NodeTask } from '../src/contract/activities.ts';
import type { BuiltinActivity } from '../src/contract/builtins.ts';
import type { Template } from '../src/contract/plan.ts';
import { evaluateTemplate } from '../src/language/expression.ts';
import { templateRoots } from '../src/language/template.ts';
import { runChild } from './child-run.ts';
import type { Execution } from './execution.ts';
import { nodeActivities } from './options.ts';
import { taskOf } from './task.ts';
import type { Unit } from './unit.ts';
import { lightScope } from './values.ts';

/** One attempt of what is done outside the workflow: by an activity, or by a run of its own. */
export function carryOut(x: Execution, unit: Unit, attempt: number): Promise<NodeResult> {
  const task = taskOf(x, unit, attempt);
  switch (unit.body.type) {
    case 'run':
      return runChild(x, unit, task);
    case 'code':
      return nodeActivities(unit, { task_queue: x.input.task_queues.code }).code(task);
    case 'builtin':
      return carryOutBuiltin(x, unit, task);
    default:
      return nodeActivities(unit).http(task);
  }
}

/** A step of ours: on the agent that was chosen for it, and on any other one once that is lost. */
async function carryOutBuiltin(x: Execution, unit: Unit, task: NodeTask): Promise<NodeResult> {
  // What undoes a step has its name with a suffix.
  const name = unit.node.id as BuiltinActivity;
  const { queue } = unit.body;
  if (queue === undefined) return nodeActivities(unit)[name](task);
  const own = queueOf(x, queue);
  if (own !== undefined) {
    try {
      return await nodeActivities(unit, { task_queue: own, is_one_agent: true })[name](task);
    } catch (error) {
      if (!isAgentLost(error)) throw error;
    }
  }
  return nodeActivities(unit, { task_queue: x.input.task_queues.code })[name](task);
}

/** What the workflow holds is enough to tell it; undefined when no agent was chosen. */
function queueOf(x: Execution, queue: Template): string | undefined {
  const scope = lightScope(x.values, templateRoots(queue), x.input.run);
  const value = scope && evaluateTemplate(queue, scope);
  return typeof value === 'string' ? value : undefined;
}

/** Nobody asked for the task in time, who had it fell silent, or it could not do what another one may. */
function isAgentLost(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof ApplicationFailure) return !cause.nonRetryable;
  if (!(cause instanceof TimeoutFailure)) return false;
  return cause.timeoutType === 'SCHEDULE_TO_START' || cause.timeoutType === 'HEARTBEAT';
}
