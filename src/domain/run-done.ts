import type { HeldStep } from '../contract/run.ts';
import type { StepRepository } from '../persistence/steps.ts';
import { heldValue } from './values.ts';

/** What the start of an execution may carry of values. */
const INLINE_BYTES = 48 * 1024;

/** The steps a forked run was given, as its execution holds them: what is too much together is read where it is needed. */
export function doneSteps({ steps }: { steps: Pick<StepRepository, 'values'> }) {
  return async (run_id: string): Promise<Record<string, HeldStep>> => {
    const done: Record<string, HeldStep> = {};
    let room = INLINE_BYTES;
    for (const { node, state, output, output_ref, error } of await steps.values(run_id, 'all')) {
      const held = heldValue({ output: output ?? undefined, output_ref });
      room -= 'value' in held ? Buffer.byteLength(JSON.stringify(held.value)) : 0;
      done[node] = { state, output: room >= 0 ? held : { stored: true }, error };
    }
    return done;
  };
}
