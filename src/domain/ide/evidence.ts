import type { BackTest } from '../../contract/back-test.ts';
import type { Definition } from '../../contract/definition.ts';
import { AppError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { BackTestService } from '../back-test/service.ts';
import type { DefinitionService } from '../materialise.ts';
import type { RefService } from '../refs.ts';
import { applyPatch } from '../rules/json-patch.ts';
import { blankDefinition } from './blank-definition.ts';
import type { ProposalService, ProposalView } from './proposals.ts';

interface Deps {
  back_tests: BackTestService;
  proposals: Pick<ProposalService, 'get'>;
  refs: Pick<RefService, 'resolve' | 'find'>;
  definitions: Pick<DefinitionService, 'read'>;
}

/** What runs that have ended say of a change that is still to be decided on. */
export function evidenceService({ back_tests, proposals, refs, definitions }: Deps) {
  async function resultOf(proposal: ProposalView): Promise<Definition> {
    const { project_id, workflow, base_id, base_hash, patch, validation } = proposal;
    if (patch === null || validation === null)
      throw conflict(`The proposal is ${proposal.status}.`, proposal);
    if (!validation.valid) throw conflict('What is proposed is not a valid definition.', proposal);
    const base =
      base_id === null || base_hash === null
        ? blankDefinition(workflow)
        : await definitions.read(project_id, { artifact_id: base_id, version_hash: base_hash });
    return applyPatch(base as Json, patch) as unknown as Definition;
  }

  return {
    /** Throws `not_found`, and `state_conflict` for a proposal without a valid result. */
    async ofProposal(project_id: string, id: string, runs: number): Promise<BackTest> {
      const proposal = await proposals.get(project_id, id);
      const definition = await resultOf(proposal);
      return back_tests.run(project_id, { workflow: proposal.workflow, definition, runs });
    },

    /** Tries any version on the runs of the workflow `ref`. Throws what resolving the two throws. */
    async ofVersion(project_id: string, ref: string, to: string, runs: number): Promise<BackTest> {
      const { workflow } = await refs.find(project_id, ref);
      if (workflow === null)
        throw new AppError('state_conflict', { detail: 'This version has no workflow, and so no runs.' });
      const definition = await definitions.read(project_id, await refs.resolve(project_id, to));
      return back_tests.run(project_id, { workflow, definition, runs });
    },
  };
}

export type EvidenceService = ReturnType<typeof evidenceService>;

const conflict = (detail: string, { status, validation }: ProposalView): AppError =>
  new AppError('state_conflict', {
    detail,
    extra: { proposal_status: status },
    ...(validation && { errors: validation.problems }),
  });
