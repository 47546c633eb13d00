import { AppError } from '../../contract/errors.ts';
import { hasRole } from '../../contract/roles.ts';
import type { DeploymentInputs } from '../../domain/deployments.ts';
import { workflowOf } from '../../domain/rules/tag-name.ts';
import { type Call, type Reply, route, type Route } from '../route.ts';
import { deployBody, environmentParams, rollbackBody } from '../schemas/environments.ts';
import { runView } from '../schemas/runs.ts';
import { workflowParams } from '../schemas/workflows.ts';
import type { WorkflowRuns } from './workflows-runs.ts';

interface Deps {
  deployments: DeploymentInputs;
  workflow_runs: Pick<WorkflowRuns, 'start'>;
}

const role = 'operator';
const started = {
  202: {
    description: 'The run that was started.',
    schema: runView,
    headers: { Location: 'Where the run is.' },
  },
};

/** Bringing something live by a run of `deployment`: a version of a workflow, or an earlier release again. */
export const deploymentRoutes = (deps: Deps): Route[] => [deployRoute(deps), rollbackRoute(deps)];

const deployRoute = ({ deployments, workflow_runs }: Deps) =>
  route({
    method: 'post',
    path: '/workflows/:ref/deploy',
    group: 'workflows',
    role,
    summary: 'Deploy a version to an environment.',
    params: workflowParams,
    body: deployBody,
    responses: started,
    async handler(call) {
      const { project_id, body } = call;
      const input = await deployments.forWorkflow(project_id, call.params.ref, body);
      return workflow_runs.start(call, deploymentOf(project_id, input));
    },
  });

const rollbackRoute = ({ deployments, workflow_runs }: Deps) =>
  route({
    method: 'post',
    path: '/projects/:id/environments/:name/rollback',
    group: 'projects',
    project_in_path: true,
    role,
    summary: 'Bring an earlier release live again.',
    params: environmentParams,
    body: rollbackBody,
    responses: started,
    async handler(call) {
      const { project_id } = call;
      const { reason, ...wish } = call.body;
      const input = await deployments.forRollback(project_id, { ...wish, environment: call.params.name });
      return workflow_runs.start(call, deploymentOf(project_id, input, reason));
    },
  });

type UndoCall = Pick<
  Call<{ name: string }, unknown, unknown>,
  'req' | 'principal' | 'project_id' | 'once_id'
>;

/**
 * What undoing a tag comes to that only deployments move: a deployment of what was live before. `refused` is what the
 * gate said; anything but `tag_bound` is thrown on. Throws `forbidden` for who may not deploy.
 */
export function tagRollback({ deployments, workflow_runs }: Deps) {
  return async (call: UndoCall, tag: string, refused: unknown): Promise<Reply> => {
    if (!(refused instanceof AppError) || refused.code !== 'tag_bound') throw refused;
    if (!hasRole(call.principal.role, role))
      throw new AppError('forbidden', { detail: `Undoing a deployment needs the role ${role}.` });
    const { project_id } = call;
    const environment = refused.data.extra?.environment as string;
    const wish = { environment, workflow: workflowOf(tag) };
    const input = await deployments.forRollback(project_id, wish);
    return workflow_runs.start(call, deploymentOf(project_id, input));
  };
}

export type TagRollback = ReturnType<typeof tagRollback>;

const deploymentOf = (project_id: string, input: Record<string, unknown>, reason?: string) => ({
  name: 'deployment',
  type: 'deployment' as const,
  project_id,
  input,
  labels: {
    environment: input.environment as string,
    ...(typeof input.workflow === 'string' && { workflow: input.workflow }),
    ...(reason !== undefined && { reason }),
  },
});
