import { AppError } from '../../contract/errors.ts';
import type { WorkflowService } from '../../domain/workflows.ts';
import { route, type Route } from '../route.ts';
import { runView } from '../schemas/runs.ts';
import { versionHeader } from '../schemas/tags.ts';
import { createWorkflowBody, workflowView } from '../schemas/workflows.ts';
import { callerOf, expectationOf } from './tags-views.ts';
import type { WorkflowRuns } from './workflows-runs.ts';
import { workflowReply } from './workflows-views.ts';

interface Deps {
  workflows: Pick<WorkflowService, 'save' | 'createEmpty'>;
  /** Absent where there are no runs. */
  runs?: WorkflowRuns;
}

const headers = { ...versionHeader, Location: 'Where the workflow is.' };

/** Saving a definition, making a workflow that has none yet, or starting one of the product's own. */
export function workflowCreateRoutes({ workflows, runs }: Deps): Route[] {
  const create = route({
    method: 'post',
    path: '/workflows',
    group: 'workflows',
    summary: 'Save a definition under a tag; with a `type`, start a run of it.',
    body: createWorkflowBody,
    responses: {
      200: { description: 'The tag points at just this already.', schema: workflowView, headers },
      201: { description: 'A new version.', schema: workflowView, headers },
      202: { description: 'The run that was started.', schema: runView },
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
      if (type !== undefined) {
        if (!runs) throw new AppError('not_implemented');
        return runs.start(call, { ...call.body, name: name!, type });
      }
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
