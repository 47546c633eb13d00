import type { Execution } from './execution.ts';
import { local } from './options.ts';

/** Tells the agents outside which tasks are not waited for any more. */
export async function callOff(x: Execution): Promise<void> {
  const { run, epoch } = x.input;
  for (let one = x.dropped.shift(); one; one = x.dropped.shift()) {
    const { name: node, item } = one.unit;
    await local.cancelAgentTask({ run_id: run.id, epoch, node, item, attempt: one.attempt });
  }
}
