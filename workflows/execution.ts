import { upsertSearchAttributes } from '@temporalio/workflow';
import type { JsonObject } from '../src/contract/json.ts';
import type { CommandOutcome } from '../src/contract/journal.ts';
import type { Plan, PlanNode } from '../src/contract/plan.ts';
import type { CommandType, RunError, RunState } from '../src/contract/run.ts';
import { SEARCH_ATTRIBUTES, type DagInput, type KeptEvent } from '../src/contract/workflows.ts';
import { createAttempts, type AttemptEnd, type Attempts } from './attempts.ts';
import type { Control } from './control.ts';
import { createGraph, type Graph } from './graph.ts';
import { createJournal, type Journal } from './journal.ts';
import type { Values } from './values.ts';
import { createWaits, type WaitEnd, type Waits } from './waits.ts';

export interface Failure extends RunError {
  /** The engine could not carry the step out, as opposed to the work having failed. */
  engine: boolean;
}

/** Everything one execution of a run holds; the functions beside this file work on it. */
export interface Execution {
  readonly plan: Plan;
  readonly input: DagInput;
  readonly control: Control;
  readonly values: Values;
  readonly graph: Graph;
  readonly waits: Waits;
  readonly attempts: Attempts;
  readonly journal: Journal;
  /** Events nothing has waited for yet, oldest first. */
  readonly events: KeptEvent[];
  state: RunState;
  failure: Failure | null;
  current_step: string | null;
  /** Something ended since the loop last looked. */
  news: boolean;
}

interface Handlers {
  onAttemptEnd(x: Execution, node: PlanNode, end: AttemptEnd): void;
  onWaitEnd(x: Execution, id: string, end: WaitEnd): void;
}

export function createExecution(
  plan: Plan,
  input: DagInput,
  control: Control,
  handlers: Handlers,
): Execution {
  const { run, epoch, version_hash, resumed } = input;
  const values: Values = { input: input.input, params: input.params, steps: resumed?.steps ?? {} };
  const x: Execution = {
    plan,
    input,
    control,
    values,
    graph: createGraph(plan, Object.keys(resumed?.waits ?? {})),
    waits: createWaits((id, end) => handlers.onWaitEnd(x, id, end)),
    attempts: createAttempts({
      run,
      epoch,
      version_hash,
      code_task_queue: input.task_queues.code,
      values,
      made: resumed?.attempts ?? {},
      onEnd: (node, end) => handlers.onAttemptEnd(x, node, end),
      onRetry: (node) => {
        x.graph.putBack(node.id);
        x.news = true;
      },
    }),
    journal: createJournal({
      run_id: run.id,
      epoch,
      seq: resumed?.journal_seq ?? 0,
      position: () => positionOf(x),
    }),
    events: [...(resumed?.events ?? [])],
    state: resumed?.state ?? 'queued',
    failure: resumed?.failure ?? null,
    current_step: null,
    news: false,
  };
  takeUp(x);
  return x;
}

/** Takes up where the execution before left off. */
function takeUp(x: Execution): void {
  for (const id of x.plan.order) {
    const step = x.values.steps[id];
    if (step) x.graph.settle(id, step.state === 'succeeded' || x.plan.nodes[id]?.continue_on_error === true);
  }
  for (const [id, wait] of Object.entries(x.input.resumed?.waits ?? {})) x.waits.begin(id, wait);
}

function positionOf(x: Execution) {
  const { graph, plan, attempts, current_step } = x;
  return { done: graph.done(), total: plan.order.length, in_flight: attempts.in_flight(), current_step };
}

/** Moves the run to another state: an event, a transition, and the search attribute operators filter by. */
export function changeState(
  x: Execution,
  to: RunState,
  data: JsonObject,
  why?: { actor: string; reason?: string },
): void {
  const change = { from: x.state, to, actor: why?.actor ?? 'engine', reason: why?.reason };
  x.journal.note({ event: eventOf(x.state, to), data, change });
  // A fresh execution was started with `running` already in place.
  if (to !== 'running' || x.state !== 'queued') upsertSearchAttributes({ [SEARCH_ATTRIBUTES.state]: [to] });
  x.state = to;
}

function eventOf(from: RunState, to: RunState): string {
  if (to !== 'running') return `run.${to}`;
  return from === 'paused' ? 'run.resumed' : 'run.started';
}

export function noteCommand(x: Execution, outcome: CommandOutcome & { type: CommandType }): void {
  const { type, ...command } = outcome;
  const data = { id: command.id, type, ...(command.reason ? { reason: command.reason } : {}) };
  x.journal.note({ event: `command.${command.state}`, data, command });
}
