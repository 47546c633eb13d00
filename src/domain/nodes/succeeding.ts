import type { Json } from '../../contract/json.ts';
import { StepFailure, stepErrorOf } from '../step-error.ts';
import type { NodeOutcome } from './node.ts';

/** A step that gives what `work` does, or fails with why it may not. Trouble of the engine is thrown, to be tried again. */
export function succeeding(work: () => Promise<Json>): Promise<NodeOutcome> {
  return ending(async () => ({ state: 'succeeded', output: await work(), error: null }));
}

/** The same for a step that says itself how it ended. */
export async function ending(work: () => Promise<NodeOutcome>): Promise<NodeOutcome> {
  try {
    return await work();
  } catch (thrown) {
    const output = thrown instanceof StepFailure ? thrown.output : null;
    return { state: 'failed', output, error: stepErrorOf(thrown) };
  }
}
