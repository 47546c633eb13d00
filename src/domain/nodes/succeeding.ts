import type { Json } from '../../contract/json.ts';
import { stepErrorOf } from '../step-error.ts';
import type { NodeOutcome } from './node.ts';

/** A step that gives what `work` does, or fails with why it may not. Trouble of the engine is thrown, to be tried again. */
export async function succeeding(work: () => Promise<Json>): Promise<NodeOutcome> {
  try {
    return { state: 'succeeded', output: await work(), error: null };
  } catch (thrown) {
    return { state: 'failed', output: null, error: stepErrorOf(thrown) };
  }
}
