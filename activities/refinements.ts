import type { RefinementActivities } from '../src/contract/refinement.ts';
import type { RefineService } from '../src/domain/ide/refine.ts';
import { translated, withHeartbeat } from './heartbeat.ts';

/** What refinements do: input → one service call. */
export function createRefinementActivities(refinements: RefineService): RefinementActivities {
  return {
    refine: (input) => translated(() => withHeartbeat((signal) => refinements.refine(input, signal))),
    failRefinement: (input, error) =>
      translated(async () => {
        await refinements.fail(input, error);
      }),
  };
}
