import { CancellationScope, ChildWorkflowFailure, condition, ParentClosePolicy } from '@temporalio/workflow';
import type { NodeResult, NodeTask, RunsCommand } from '../src/contract/activities.ts';
import type { DagInput } from '../src/contract/workflows.ts';
import type { Child } from './children.ts';
import { beginClock } from './clocks.ts';
import type { Execution } from './execution.ts';
import { local } from './options.ts';
import { startDag } from './start-dag.ts';
import type { Unit } from './unit.ts';

/**
 * One attempt of a `run` node: opens a run, starts it as a child of this execution, and records how it ended as the end of
 * the step. What is wanted of the run reaches the child as commands, so its cancellation is not the scope's.
 */
export function runChild(x: Execution, unit: Unit, task: NodeTask): Promise<NodeResult> {
  return CancellationScope.nonCancellable(async () => {
    const opened = await local.openChild({ ...task, depth: (x.input.depth ?? 0) + 1 });
    if ('error' in opened) return { state: 'failed', output: { value: null }, error: opened.error };
    const child_run_id = opened.input.run.id;
    x.children.add(child_run_id, { unit, admitted: opened.admitted });
    beginClock(x, unit);
    x.news = true;
    const child = () => x.children.get(child_run_id);
    await condition(() => child()?.admitted === true || child()?.ended === true);
    if (!child()?.ended) await ended(opened.input);
    const { run, epoch, node, item, attempt } = task;
    const timed_out = child()?.timed_out ?? false;
    const stopping = x.control.stopRequest() !== undefined;
    x.children.remove(child_run_id);
    return local.closeChild({ run, epoch, node, item, attempt, child_run_id, stopping, timed_out });
  });
}

/** How it ended stands in its row; here only that it has. */
async function ended(input: DagInput): Promise<void> {
  // A parent that an operator terminates in Temporal leaves its children the time to clean up.
  const handle = await startDag(input, ParentClosePolicy.REQUEST_CANCEL);
  await handle.result().catch((error: unknown) => {
    if (!(error instanceof ChildWorkflowFailure)) throw error;
  });
}

/** Passes on what the run was told. True when there was somebody to tell. */
export async function tellChildren(
  x: Execution,
  type: RunsCommand['type'],
  why: { actor: string; reason: string },
  matches: (child: Readonly<Child>) => boolean = () => true,
): Promise<boolean> {
  const run_ids = x.children.takeUntold(type, matches);
  if (run_ids.length === 0) return false;
  const { id, project_id } = x.input.run;
  await local.commandRuns({ project_id, run_ids, key: `${id}:${++x.told}`, type, ...why });
  return true;
}
