import type { Json } from '../src/contract/json.ts';
import type { HeldStep } from '../src/contract/run.ts';
import type { DagInput, DagProgress } from '../src/contract/workflows.ts';
import type { Execution } from './execution.ts';
import { jsonBytes } from './values.ts';

/** What continue-as-new carries in all: below the 128 KiB that a payload may have. */
const CARRIED_BYTES = 120 * 1024;
/** Of which outputs of steps. */
const OUTPUT_BYTES = 48 * 1024;

/** What the next execution begins with, once everything noted is durable. */
export function carriedOver(x: Execution): DagInput {
  const { plan, ...input } = x.input;
  const bare = { ...input, params: x.values.params, resumed: progressOf(x) };
  const room = CARRIED_BYTES - bytesOf(bare);
  const { steps, bytes } = withOutputs(x.values.steps, Math.min(room, OUTPUT_BYTES));
  const carried = { ...bare, resumed: { ...bare.resumed, steps } };
  // One that is left out is read again.
  return plan && bytesOf(plan) <= room - bytes ? { ...carried, plan } : carried;
}

function progressOf(x: Execution): DagProgress {
  return {
    state: x.state,
    journal_seq: x.journal.seq(),
    steps: Object.fromEntries(Object.entries(x.values.steps).map(([id, step]) => [id, withoutOutput(step)])),
    waits: x.waits.progress(),
    maps: x.maps.progress(),
    undo: x.undo,
    tuned: x.tuned,
    events: x.events.all(),
    attempts: x.attempts.made(),
    failure: x.failure,
    ...x.control.snapshot(),
  };
}

/** The smallest outputs stay inline as long as there is room; the others are read where they are needed. */
function withOutputs(steps: Record<string, HeldStep>, room: number) {
  const sized = Object.entries(steps).map(([id, step]) => {
    const bytes = 'value' in step.output ? jsonBytes(step.output.value) : 0;
    return { id, step, bytes };
  });
  let bytes = 0;
  const carried: Record<string, HeldStep> = {};
  for (const one of sized.sort((a, b) => a.bytes - b.bytes)) {
    const fits = bytes + one.bytes <= room;
    if (fits) bytes += one.bytes;
    carried[one.id] = fits ? one.step : withoutOutput(one.step);
  }
  return { steps: carried, bytes };
}

const withoutOutput = (step: HeldStep): HeldStep => ({ ...step, output: { stored: true } });

const bytesOf = (value: object): number => jsonBytes(value as Json);
