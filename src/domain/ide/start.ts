import type { RefinementInput } from '../../contract/refinement.ts';
import type { ProposalUpkeep } from '../../persistence/proposal-upkeep.ts';

interface Deps {
  temporal: { start(input: RefinementInput): Promise<void> };
  proposals: Pick<ProposalUpkeep, 'noteStart' | 'unstarted'>;
  onError: (error: unknown) => void;
}

/** Whoever made a proposal starts it at once; when that dies in between, the sweeper does after this time. */
const SWEEP_AFTER_SECONDS = 5;
const BATCH = 100;

/** Brings proposals to Temporal, each once, whatever happens in between. */
export function refinementStarter({ temporal, proposals, onError }: Deps) {
  const start = async ({ id, project_id }: { id: string; project_id: string }) => {
    try {
      await temporal.start({ project_id, proposal_id: id });
      await proposals.noteStart(id);
    } catch (error) {
      onError(error);
    }
  };
  return {
    /** Never throws: what could not be started now is in the database, and found there. */
    start,
    async sweep(): Promise<number> {
      const found = await proposals.unstarted(SWEEP_AFTER_SECONDS, BATCH);
      for (const proposal of found) await start(proposal);
      return found.length;
    },
  };
}

export type RefinementStarter = ReturnType<typeof refinementStarter>;
