import type { AncestryService } from '../../domain/ancestry.ts';
import type { BlameService } from '../../domain/blame.ts';
import { route, type Route } from '../route.ts';
import { blameQuery, blameView, compareQuery, comparisonView } from '../schemas/history.ts';

interface Deps {
  ancestry: Pick<AncestryService, 'compare'>;
  blame: BlameService;
}

/** What versions come from. */
export function historyRoutes({ ancestry, blame }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/compare',
      group: 'store',
      summary: 'How many versions two references are ahead of and behind each other.',
      query: compareQuery,
      responses: { 200: { description: 'The distance.', schema: comparisonView } },
      handler: async ({ query, project_id }) => ({
        status: 200,
        body: await ancestry.compare(project_id, query),
      }),
    }),
    route({
      method: 'get',
      path: '/blame',
      group: 'store',
      summary: 'Which version set a value, or each node: when, by whom and why.',
      query: blameQuery,
      responses: {
        200: { description: 'One entry for the pointer, or one for each node.', schema: blameView },
        410: { description: 'The version was collected.' },
      },
      async handler({ query: { ref, pointer }, project_id }) {
        const body =
          pointer === undefined
            ? await blame.nodes(project_id, ref)
            : await blame.value(project_id, { ref, pointer });
        return { status: 200, body };
      },
    }),
  ];
}
