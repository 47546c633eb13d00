import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setHandler,
} from '@temporalio/workflow';
import type { Plan } from '../src/contract/plan.ts';
import {
  CHILD_SIGNAL,
  STATE_QUERY,
  type ChildNews,
  type DagInput,
  type DagResult,
} from '../src/contract/workflows.ts';
import { carryOut } from './carry-out.ts';
import { createControl, type Control } from './control.ts';
import type { DagEnd } from './ending.ts';
import { createExecution, type Execution } from './execution.ts';
import { interpret } from './interpreter.ts';
import { RunHasEnded } from './journal.ts';
import { local } from './options.ts';
import { onAttemptEnd, onWaitEnd } from './steps.ts';
import { retune } from './tuning.ts';

const stateQuery = defineQuery<unknown>(STATE_QUERY);
const childSignal = defineSignal<[ChildNews]>(CHILD_SIGNAL);

/** The one workflow that runs every definition: the plan is data, so changing a definition never changes this code. */
export async function dag(input: DagInput): Promise<DagResult> {
  const control = createControl(input.resumed);
  return CancellationScope.nonCancellable(async () => {
    const plan = input.plan ?? (await readPlan(input.version_hash));
    const x = createExecution(plan, input, control, { carryOut, onAttemptEnd, onWaitEnd });
    retune(x);
    setHandler(childSignal, (news) => {
      x.children.receive(news);
      x.news = true;
    });
    setHandler(stateQuery, () => describe(x));
    return close(await interpret(x).catch(endedBefore), input, control);
  });
}

/** A signal made Temporal do the last task of a run again, and the run thinks it could go on. */
function endedBefore(error: unknown): DagEnd {
  if (error instanceof RunHasEnded) return { kind: 'ended', state: error.state, error: null };
  throw error;
}

/** A plan too large for the start payload comes in parts that each fit one. */
async function readPlan(version_hash: string): Promise<Plan> {
  let text = '';
  for (;;) {
    const part = await local.readPlan({ version_hash, offset: text.length });
    text += part.text;
    if (text.length >= part.total_chars) return JSON.parse(text) as Plan;
  }
}

/** Closes the Temporal execution so that its status says what the run's state says (contract §4). */
async function close(end: DagEnd, input: DagInput, control: Control): Promise<DagResult> {
  if (end.kind === 'continued') return continueAsNew<typeof dag>(end.input);
  if (end.state === 'terminated') await local.terminateExecution({ run_id: input.run.id });
  if (end.state === 'cancelled') {
    // The command's signal is followed by Temporal's own cancel; without it the status could not be Canceled.
    if (await condition(() => control.isCancelledByTemporal(), '10s'))
      throw new CancelledFailure('The run was cancelled.');
  }
  if (end.state === 'errored')
    throw ApplicationFailure.nonRetryable(end.error?.message ?? 'The run errored.', end.error?.code);
  return { state: end.state };
}

/** What an operator sees in the Queries tab of Temporal Web UI. */
function describe(x: Execution) {
  return {
    state: x.state,
    current_step: x.current_step,
    in_flight: x.attempts.in_flight(),
    done: x.graph.done(),
    total: x.plan.order.length,
    steps: Object.fromEntries(Object.entries(x.values.steps).map(([id, step]) => [id, step.state])),
    waits: x.waits.progress(),
  };
}
