import type { DefinitionService } from '../../domain/materialise.ts';
import type { WorkflowService } from '../../domain/workflows.ts';
import { pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import {
  readWorkflowQuery,
  versionParams,
  versionsQuery,
  versionView,
  workflowParams,
} from '../schemas/workflows.ts';
import { numberAt } from './tags-views.ts';
import { versionViewOf } from './workflows-views.ts';

interface Deps {
  workflows: Pick<WorkflowService, 'versions' | 'version'>;
  definitions: Pick<DefinitionService, 'read'>;
}

const group = 'workflows';

/** The numbered versions of a tag. */
export function workflowVersionRoutes({ workflows, definitions }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/workflows/:ref/versions',
      group,
      summary: 'The versions a tag has had, newest first; a version keeps its number.',
      params: workflowParams,
      query: versionsQuery,
      responses: { 200: { description: 'One page.', schema: page(versionView) } },
      async handler({ params, query: { limit, cursor }, project_id }) {
        const before = numberAt(cursor, 'number');
        const found = await workflows.versions(project_id, params.ref, { before, limit });
        return pageReply(
          found,
          (number) => ({ number }),
          (row) => versionViewOf(row),
        );
      },
    }),
    route({
      method: 'get',
      path: '/workflows/:ref/versions/:n',
      group,
      summary: 'One version of a tag by its number.',
      params: versionParams,
      query: readWorkflowQuery,
      responses: { 200: { description: 'The version.', schema: versionView } },
      async handler({ params, query, project_id }) {
        const row = await workflows.version(project_id, params.ref, params.n);
        const pinned = { artifact_id: row.id, version_hash: row.version_hash!, live: row.live };
        const definition = query.materialize ? await definitions.read(project_id, pinned) : undefined;
        return { status: 200, body: versionViewOf(row, definition) };
      },
    }),
  ];
}
