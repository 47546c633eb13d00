import type { EvidenceService } from '../../domain/ide/evidence.ts';
import { route, type Route } from '../route.ts';
import {
  backTestView,
  proposalBackTestQuery,
  proposalParams,
  versionBackTestQuery,
  versionParams,
} from '../schemas/evidence.ts';

const responses = {
  200: { description: 'What would be otherwise, run by run.', schema: backTestView },
  410: { description: 'A version that is needed was collected.' },
};

/** What runs that have ended say of a change. */
export const evidenceRoutes = ({ evidence }: { evidence: EvidenceService }): Route[] => [
  route({
    method: 'get',
    path: '/proposals/:id/back-test',
    group: 'ide',
    summary:
      'The last runs of the workflow tried on what is proposed, with recorded results; nothing is carried out.',
    params: proposalParams,
    query: proposalBackTestQuery,
    responses,
    handler: async ({ params, query, project_id }) => ({
      status: 200,
      body: await evidence.ofProposal(project_id, params.id, query.runs),
    }),
  }),
  route({
    method: 'get',
    path: '/workflows/:ref/back-test',
    group: 'workflows',
    summary: 'The last runs of the workflow tried on the version `to`: a draft, a tag or a hash.',
    params: versionParams,
    query: versionBackTestQuery,
    responses,
    handler: async ({ params, query, project_id }) => ({
      status: 200,
      body: await evidence.ofVersion(project_id, params.ref, query.to, query.runs),
    }),
  }),
];
