import { condition } from '@temporalio/workflow';
import { dispatchOne } from './dispatch.ts';
import type { Execution } from './execution.ts';
import { applyCommands } from './messages.ts';
import { cancelWaiting } from './steps.ts';
import { compensationUnit, type Unit } from './unit.ts';

/**
 * Undoes what succeeded, newest first, one at a time (contract §2). What fails at it is on record, and the others still
 * get their turn; only a terminate ends it early.
 */
export async function compensate(x: Execution): Promise<void> {
  if (x.undo.length === 0) return;
  x.journal.note({ event: 'run.compensating', data: { nodes: [...x.undo].reverse() } });
  for (let id = x.undo.pop(); id !== undefined && !isTerminated(x); id = x.undo.pop()) {
    const node = x.plan.nodes[id];
    if (node) await undo(x, compensationUnit(node));
  }
}

async function undo(x: Execution, unit: Unit): Promise<void> {
  x.undoing = { again: true };
  while (x.undoing) {
    if (x.undoing.again) {
      x.undoing.again = false;
      await startUndo(x, unit);
    }
    if (!x.journal.isEmpty()) await x.journal.flush();
    await condition(() => x.undoing === null || x.undoing.again || x.control.hasNews());
    applyCommands(x);
    if (!isTerminated(x)) continue;
    cancelWaiting(x);
    x.attempts.cancelAll();
    await condition(() => x.attempts.in_flight() === 0);
    x.undoing = null;
  }
}

async function startUndo(x: Execution, unit: Unit): Promise<void> {
  const heavy: Unit[] = [];
  await dispatchOne(x, unit, heavy);
  if (heavy.length === 0) return;
  if (!x.journal.isEmpty()) await x.journal.flush();
  x.attempts.start(unit);
}

const isTerminated = (x: Execution) => x.control.stopRequest()?.as === 'terminated';
