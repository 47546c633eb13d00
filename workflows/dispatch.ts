import { beginClock } from './clocks.ts';
import type { Execution } from './execution.ts';
import { evaluateItems, evaluateTransform, openWait } from './light.ts';
import type { MapOver } from './maps.ts';
import { takeKept } from './messages.ts';
import { local } from './options.ts';
import { next, type Soon } from './soon.ts';
import { endLightStep, noteStart, noteStep, onAttemptEnd, settle } from './steps.ts';
import { taskOf } from './task.ts';
import { nodeUnit, type Unit } from './unit.ts';

/** Begins one unit. What is carried out outside is only put on the list of `heavy` ones. */
export function dispatchOne(x: Execution, unit: Unit, heavy: Unit[]): Soon<void> {
  switch (unit.body.type) {
    case 'transform':
      return runTransform(x, unit);
    case 'wait':
    case 'approval':
      return beginWait(x, unit);
    case 'agent':
      return beginTask(x, unit);
    case 'map':
      return beginMap(x, unit);
    default:
      heavy.push(unit);
  }
}

function runTransform(x: Execution, unit: Unit): Soon<void> {
  noteStart(x, unit);
  return next(evaluateTransform(x, unit), (end) => {
    if ('error' in end) return endLightStep(x, unit, { state: 'failed', error: end.error });
    if (!end.recorded && 'value' in end.output)
      noteStep(x, unit, { state: 'succeeded', output: end.output.value });
    settle(x, unit, { state: 'succeeded', output: end.output, error: null });
  });
}

function beginWait(x: Execution, unit: Unit): Soon<void> {
  noteStart(x, unit);
  return next(openWait(x, unit), (opened) => {
    if ('error' in opened) return endLightStep(x, unit, { state: 'failed', error: opened.error });
    const { wait, about } = opened;
    noteStep(x, unit, { state: 'waiting' }, { wait_ms: wait.remaining_ms, ...about });
    x.waits.begin(unit.key, wait);
    takeKept(x, unit.key);
  });
}

/** A task for an agent outside: written down where agents ask for work, and waited for. */
async function beginTask(x: Execution, unit: Unit): Promise<void> {
  if (!x.journal.isEmpty()) await x.journal.flush();
  x.current_step = unit.name;
  const attempt = x.attempts.count(unit);
  const opened = await local.openAgentTask(taskOf(x, unit, attempt));
  if ('error' in opened) {
    const output = { value: null };
    const { error } = opened;
    return onAttemptEnd(x, unit, { state: 'failed', output, error, attempt, recorded: false, engine: false });
  }
  const limits = [opened.timeout_seconds, unit.body.timeout_seconds].filter(
    (limit) => typeof limit === 'number',
  );
  const remaining_ms = limits.length > 0 ? Math.min(...limits) * 1_000 : null;
  const awaits = { kind: 'agent', attempt } as const;
  x.waits.begin(unit.key, { remaining_ms, started_at_ms: Date.now(), times_out: true, awaits });
}

function beginMap(x: Execution, unit: Unit): Soon<void> {
  noteStart(x, unit);
  return next(evaluateItems(x, unit), (list) => {
    if ('error' in list) return endLightStep(x, unit, { state: 'failed', error: list.error });
    x.maps.begin(unit.node, list.items, list.count);
    beginClock(x, unit);
  });
}

/** All items of a map have ended, or have been given up. */
export async function endMap(x: Execution, { node, count, cut, failure }: MapOver): Promise<void> {
  const unit = nodeUnit(node);
  if (failure) {
    const { engine, ...error } = failure;
    const cause = error.code === 'timeout' ? 'timeout' : undefined;
    return endLightStep(x, unit, { state: 'failed', error, cause }, engine);
  }
  if (cut) return endLightStep(x, unit, { state: 'cancelled' });
  if (!x.journal.isEmpty()) await x.journal.flush();
  const { run, epoch } = x.input;
  const { state, output, error } = await local.collectMap({ run, epoch, node: node.id, count });
  if (error) return endLightStep(x, unit, { state: 'failed', error });
  settle(x, unit, { state, output, error });
}
