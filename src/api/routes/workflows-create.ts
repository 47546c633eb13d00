import { AppError } from '../../contract/errors.ts';
import type { WorkflowService } from '../../domain/workflows.ts';
import { route, type Route } from '../route.ts';
import { versionHeader } from '../schemas/tags.ts';
import { createWorkflowBody, workflowView } from '../schemas/workflows.ts';
import { callerOf, expectationOf } from './tags-views.ts';
import { workflowReply } from './workflows-views.ts';

interface Deps {
  workflows: Pick<WorkflowService, 'save' | 'createEmpty'>;
}

const headers = { ...versionHeader, Location: 'Where the workflow is.' };

/** Saving a definition, or making a workflow that has none yet. */
export function workflowCreateRoutes({ workflows }: Deps): Route[] {
  const create = route({
    method: 'post',
    path: '/workflows',
    group: 'workflows',
    summary: 'Save a definition under a tag.',
    body: createWorkflowBody,
    responses: {
      200: { description: 'The tag points at just this already.', schema: workflowView, headers },
      201: { description: 'A new version.', schema: workflowView, headers },
    },
    async handler(call) {
      const {
        type,
        name,
        description = '',
        tag_name: tag,
        workflow: definition,
        message,
        break_glass,
      } = call.body;
      if (type !== undefined) throw new AppError('not_implemented');
      const caller = callerOf(call);
      if (tag === undefined) {
        const { created, workflow } = await workflows.createEmpty(caller, { name: name!, description });
        return answer(created, workflow, call.project_id);
      }
      const { changed, head } = await workflows.save(caller, {
        tag,
        definition,
        message,
        break_glass,
        expectation: expectationOf(call),
      });
      return answer(changed, head, call.project_id);
    },
  });
  return [create];
}

function answer(created: boolean, row: Parameters<typeof workflowReply>[0], project_id: string) {
  const reply = workflowReply(row, project_id);
  const Location = `/api/v1/workflows/${encodeURIComponent(row.tag ?? row.workflow ?? '')}`;
  return { ...reply, status: created ? 201 : 200, headers: { ...reply.headers, Location } };
}
