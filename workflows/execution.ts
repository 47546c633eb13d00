import { upsertSearchAttributes } from '@temporalio/workflow';
import type { JsonObject } from '../src/contract/json.ts';
import { changeEvent, type CommandOutcome } from '../src/contract/journal.ts';
import type { NodeResult } from '../src/contract/activities.ts';
import type { Plan } from '../src/contract/plan.ts';
import type { CommandType, RunError, RunState } from '../src/contract/run.ts';
import { SEARCH_ATTRIBUTES, type DagInput, type TunedOptions } from '../src/contract/workflows.ts';
import { createGraph, opensWay, type Graph } from '../src/language/ready-nodes.ts';
import { createAttempts, type AttemptEnd, type Attempts } from './attempts.ts';
import { createChildren, type Children } from './children.ts';
import type { Control } from './control.ts';
import { createJournal, type Journal } from './journal.ts';
import { createKeptEvents, type KeptEvents } from './kept-events.ts';
import { createMaps, type Maps } from './maps.ts';
import type { Unit } from './unit.ts';
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
  readonly maps: Maps;
  readonly children: Children;
  /** Events nothing has waited for yet. */
  readonly events: KeptEvents;
  /** Nodes that have succeeded and have something to undo, oldest first. */
  readonly undo: string[];
  /** Tasks of agents that are not waited for any more and not yet called off. */
  readonly dropped: { unit: Unit; attempt: number }[];
  /** What tune has set over the definition's own options. */
  readonly tuned: TunedOptions;
  /** The compensation under way; `again` asks for its next attempt. */
  undoing: { again: boolean } | null;
  /** How often children were told something. */
  told: number;
  state: RunState;
  failure: Failure | null;
  current_step: string | null;
  /** It was said that the run comes to a stand. */
  quiescing: boolean;
  /** Something ended since the loop last looked. */
  news: boolean;
}

interface Handlers {
  carryOut(x: Execution, unit: Unit, attempt: number): Promise<NodeResult>;
  onAttemptEnd(x: Execution, unit: Unit, end: AttemptEnd): void;
  onWaitEnd(x: Execution, id: string, end: WaitEnd): void;
}

export function createExecution(
  plan: Plan,
  input: DagInput,
  control: Control,
  handlers: Handlers,
): Execution {
  const { run, epoch, resumed } = input;
  const { waits = {}, maps = {} } = resumed ?? {};
  const values: Values = { input: input.input, params: input.params, steps: resumed?.steps ?? {} };
  const x: Execution = {
    plan,
    input,
    control,
    values,
    graph: createGraph(plan, [...Object.keys(waits), ...Object.keys(maps)]),
    maps: createMaps(plan.nodes, maps, ({ key }) => key in waits),
    children: createChildren(),
    waits: createWaits((id, end) => handlers.onWaitEnd(x, id, end)),
    attempts: createAttempts({
      made: resumed?.attempts ?? {},
      carryOut: (unit, attempt) => handlers.carryOut(x, unit, attempt),
      onEnd: (unit, end) => handlers.onAttemptEnd(x, unit, end),
      onRetry: (unit) => {
        putBack(x, unit);
        x.news = true;
      },
    }),
    journal: createJournal({
      run_id: run.id,
      epoch,
      seq: resumed?.journal_seq ?? 0,
      is_whole: !resumed,
      position: () => positionOf(x),
      state: () => x.state,
    }),
    events: createKeptEvents(resumed?.events),
    undo: [...(resumed?.undo ?? [])],
    dropped: [],
    tuned: { ...resumed?.tuned },
    undoing: null,
    told: 0,
    state: resumed?.state ?? 'queued',
    failure: resumed?.failure ?? null,
    current_step: null,
    quiescing: false,
    news: false,
  };
  takeUp(x);
  return x;
}

/** Offers a unit again. */
export function putBack(x: Execution, unit: Unit): void {
  if (unit.role === 'node') x.graph.putBack(unit.node.id);
  else if (unit.role === 'item') x.maps.putBack(unit);
  else if (x.undoing) x.undoing.again = true;
}

/** Takes up where the execution before left off. */
function takeUp(x: Execution): void {
  for (const id of x.plan.order) {
    const step = x.values.steps[id];
    const node = x.plan.nodes[id];
    if (step && node) x.graph.settle(id, opensWay(step.state, node));
  }
  for (const [id, wait] of Object.entries(x.input.resumed?.waits ?? {})) x.waits.begin(id, wait);
  if (x.failure) x.maps.stopAll();
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
  x.journal.note({ event: changeEvent(x.state, to), data, change });
  // A fresh execution was started with `running` already in place.
  if (to !== 'running' || x.state !== 'queued') upsertSearchAttributes({ [SEARCH_ATTRIBUTES.state]: [to] });
  x.state = to;
}

export function noteCommand(x: Execution, outcome: CommandOutcome & { type: CommandType }): void {
  const { type, ...command } = outcome;
  const data = { id: command.id, type, ...(command.reason ? { reason: command.reason } : {}) };
  x.journal.note({ event: `command.${command.state}`, data, command });
}
