import type { Json } from '../../contract/json.ts';
import type { ForkService } from '../../domain/run-forks.ts';
import { viewRun } from '../../domain/run-views.ts';
import { route, type Route } from '../route.ts';
import { forkBody, runParams, runView } from '../schemas/runs.ts';

const group = 'runs';
const responses = { 202: { description: 'Accepted: a new run.', schema: runView } };

/** Runs that begin where another one was. */
export function runForkRoutes({ forks }: { forks: ForkService }): Route[] {
  return [
    route({
      method: 'post',
      path: '/runs/:id/retry',
      group,
      summary: 'Run again from the step that failed; what succeeded before it is not done again.',
      params: runParams,
      responses,
      handler: async ({ params, project_id, principal }) =>
        accepted(await forks.retry({ project_id, run_id: params.id, actor: principal.id })),
    }),
    route({
      method: 'post',
      path: '/runs/:id/fork',
      group,
      summary: 'Run again from a step, with another input, other params or on another version.',
      params: runParams,
      body: forkBody,
      responses,
      async handler({ params, body, project_id, principal }) {
        const { from_step, workflow } = body;
        const request = { project_id, run_id: params.id, actor: principal.id, from_step, workflow };
        const input_patch = body.input_patch as Json[] | undefined;
        const params_patch = body.params_patch as Json[] | undefined;
        return accepted(await forks.fork({ ...request, input_patch, params_patch }));
      },
    }),
  ];
}

const accepted = (run: Parameters<typeof viewRun>[0]) => ({
  status: 202,
  body: viewRun(run),
  headers: { Location: `/api/v1/runs/${run.id}` },
});
