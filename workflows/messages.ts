import { patched } from '@temporalio/workflow';
import type { Json, JsonObject } from '../src/contract/json.ts';
import type { HeldValue, StepError } from '../src/contract/run.ts';
import type { ApprovalAwaited, CommandSignal, Decision } from '../src/contract/workflows.ts';
import { EARLY, type Reception } from './control.ts';
import { noteCommand, type Execution } from './execution.ts';
import { KEPT_BOUND } from './kept-events.ts';
import { decisionEnd, endTask, endWait } from './steps.ts';
import { tune } from './tuning.ts';

/** Applies what came in: control to the run, events and decisions to the steps that wait for them. */
export function applyCommands(x: Execution): void {
  x.control.apply(
    (outcome) => noteCommand(x, outcome),
    (command) => receive(x, command),
  );
}

/**
 * The same while the run may go on by itself: what is for a step that has not begun stays, with all that came after it, until
 * nothing moves. A task that is done again gets what the outside did after it saw the step wait together with what brought
 * the step there. True when one stayed.
 */
export function applyCommandsInTurn(x: Execution): boolean {
  return x.control.apply(
    (outcome) => noteCommand(x, outcome),
    (command) => (isEarly(x, command) ? EARLY : receive(x, command)),
  );
}

function isEarly(x: Execution, { type, payload }: CommandSignal): boolean {
  if (type !== 'decide' && type !== 'complete') return false;
  const node = payload.node as string;
  const is_to_come = node in x.plan.nodes && !(node in x.values.steps);
  return is_to_come && x.waits.get(keyOf(payload)) === undefined && patched('commands-in-turn');
}

function receive(x: Execution, command: CommandSignal): Reception {
  switch (command.type) {
    case 'event':
      return receiveEvent(x, command);
    case 'decide':
      return receiveDecision(x, command);
    case 'complete':
      return receiveCompletion(x, command);
    case 'tune':
      return tune(x, command);
    default:
      return { state: 'rejected', reason: `A run cannot take ${command.type}.` };
  }
}

/** An event goes to every step that waits for its name; when none does, to the next that will. */
function receiveEvent(x: Execution, { payload }: CommandSignal): Reception {
  const event = { name: payload.name as string, payload: payload.payload ?? null };
  const waiting = x.waits.select(({ awaits }) => awaits?.kind === 'event' && awaits.name === event.name);
  if (waiting.length === 0 && !x.events.keep(event)) return { state: 'rejected', reason: KEPT_BOUND };
  for (const id of waiting) endOfEvent(x, id, event.payload);
  return { state: 'acknowledged' };
}

/** A wait that has just begun takes the oldest event of its name that came before it. */
export function takeKept(x: Execution, id: string): void {
  const awaits = x.waits.get(id)?.awaits;
  if (awaits?.kind !== 'event') return;
  const kept = x.events.take(awaits.name);
  if (kept) endOfEvent(x, id, kept.payload);
}

function endOfEvent(x: Execution, id: string, payload: Json): void {
  const { waited_ms } = x.waits.finish(id);
  endWait(x, id, { state: 'succeeded', output: { waited_ms, payload } });
}

/** One rejection ends an approval; approvals end it when there are as many as its quorum. */
function receiveDecision(x: Execution, { actor, payload }: CommandSignal): Reception {
  const node = keyOf(payload);
  const awaits = x.waits.get(node)?.awaits;
  if (awaits?.kind !== 'approval')
    return { state: 'rejected', reason: 'The step does not wait for a decision.' };
  if (awaits.approvals.some(({ by }) => by === actor))
    return { state: 'rejected', reason: 'This approval was given before.' };
  const decision: Decision = {
    decision: payload.decision === 'approve' ? 'approve' : 'reject',
    by: actor,
    at: new Date().toISOString(),
    comment: typeof payload.comment === 'string' ? payload.comment : null,
    form: payload.form ?? null,
  };
  if (decision.decision === 'approve') awaits.approvals.push(decision);
  x.journal.note({ event: 'step.decision', data: { node: payload.node as string, ...decision } });
  if (decision.decision === 'reject' || awaits.approvals.length >= awaits.quorum)
    endOfApproval(x, node, awaits, decision);
  return { state: 'acknowledged' };
}

function endOfApproval(x: Execution, id: string, { approvals }: ApprovalAwaited, last: Decision): void {
  x.waits.finish(id);
  endWait(x, id, decisionEnd(last, approvals));
}

/** What an agent's task came to. One that is late, or of an attempt before, changes nothing. */
function receiveCompletion(x: Execution, { payload }: CommandSignal): Reception {
  const key = keyOf(payload);
  const awaits = x.waits.get(key)?.awaits;
  if (awaits?.kind !== 'agent' || awaits.attempt !== payload.attempt)
    return { state: 'rejected', reason: 'The step does not wait for this task.' };
  x.waits.finish(key);
  const state = payload.state === 'succeeded' ? 'succeeded' : 'failed';
  const output: HeldValue = payload.stored === true ? { stored: true } : { value: payload.output ?? null };
  endTask(x, key, awaits.attempt, { state, output, error: payload.error as StepError | null });
  return { state: 'acknowledged' };
}

/** The unit a message is for. */
function keyOf({ node, item }: JsonObject): string {
  return typeof item === 'number' && item >= 0 ? `${node as string}#${item}` : (node as string);
}
