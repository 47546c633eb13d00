import type { DiffService } from '../../domain/workflows-diff.ts';
import { route, type Route } from '../route.ts';
import { diffQuery, diffView } from '../schemas/diff.ts';

/** What changed between two versions. */
export function diffRoutes({ diffs }: { diffs: DiffService }): Route[] {
  const compare = route({
    method: 'get',
    path: '/diff',
    group: 'workflows',
    summary: 'What changed between two references: by node, and as a JSON Patch.',
    query: diffQuery,
    responses: {
      200: { description: 'The difference.', schema: diffView },
      410: { description: 'One of them was collected.' },
    },
    handler: async ({ query, project_id }) => ({ status: 200, body: await diffs.compare(project_id, query) }),
  });
  return [compare];
}
