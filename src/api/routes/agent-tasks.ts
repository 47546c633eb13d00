import type { Json } from '../../contract/json.ts';
import { viewClaimed, viewTask } from '../../domain/agent-task-views.ts';
import type { AgentWorkService } from '../../domain/agent-work.ts';
import { agePlaceAt, agePlaceOf, pageOf } from '../cursor.ts';
import { leaving } from '../leaving.ts';
import { route, type Route } from '../route.ts';
import {
  claimedTask,
  leaseBody,
  listTasksQuery,
  resultBody,
  taskParams,
  taskView,
  workBody,
} from '../schemas/agent-tasks.ts';
import { page } from '../schemas/conventions.ts';

interface Deps {
  agent_work: AgentWorkService;
  /** Aborted when the process is asked to stop. */
  shutdown: AbortSignal;
}

const group = 'agent tasks';

/** Steps that agents outside carry out. */
export function agentTaskRoutes(deps: Deps): Route[] {
  return [listRoute(deps), nextRoute(deps), heartbeatRoute(deps), completeRoute(deps)];
}

function listRoute({ agent_work }: Deps): Route {
  return route({
    method: 'get',
    path: '/agent-tasks',
    group,
    summary: 'Tasks for agents, newest first.',
    query: listTasksQuery,
    responses: { 200: { description: 'One page.', schema: page(taskView) } },
    async handler({ query: { limit, cursor, ...filter }, project_id }) {
      const after = agePlaceAt(cursor);
      const rows = await agent_work.list({ ...filter, project_id }, limit + 1, after);
      const { items, next_cursor } = pageOf(rows, limit, agePlaceOf);
      return { status: 200, body: { items: items.map(viewTask), next_cursor } };
    },
  });
}

function nextRoute({ agent_work, shutdown }: Deps): Route {
  return route({
    method: 'post',
    path: '/agent-tasks/next',
    group,
    summary: 'Take the next task an agent can do: by the priority of its run, then by age.',
    body: workBody,
    audited: false,
    responses: {
      200: { description: 'It is the agent’s until the lease ends.', schema: claimedTask },
      204: { description: 'There is none.' },
    },
    async handler({ body: { capabilities, agent_id, wait: seconds }, project_id, principal, res }) {
      const request = { project_id, capabilities, agent_id: agent_id ?? principal.id };
      const task = await agent_work.next(request, { seconds, signal: leaving(res, shutdown) });
      return task ? { status: 200, body: viewClaimed(task) } : { status: 204 };
    },
  });
}

function heartbeatRoute({ agent_work }: Deps): Route {
  return route({
    method: 'post',
    path: '/agent-tasks/:id/heartbeat',
    group,
    summary: 'Keep a task; 409 tells the agent to stop.',
    params: taskParams,
    body: leaseBody,
    audited: false,
    responses: { 200: { description: 'The lease begins anew.', schema: claimedTask } },
    handler: async ({ params: { id }, body: { lease_token }, project_id }) => ({
      status: 200,
      body: viewClaimed(await agent_work.heartbeat({ project_id, id, lease_token })),
    }),
  });
}

function completeRoute({ agent_work }: Deps): Route {
  return route({
    method: 'post',
    path: '/agent-tasks/:id/complete',
    group,
    summary: 'Give the result of a task, or why there is none; the first one counts.',
    params: taskParams,
    body: resultBody,
    responses: { 200: { description: 'The step has its end.', schema: taskView } },
    async handler({ params: { id }, body: { lease_token, output, error }, project_id }) {
      const result = error ? { error } : { output: output as Json };
      return {
        status: 200,
        body: viewTask(await agent_work.complete({ project_id, id, lease_token }, result)),
      };
    },
  });
}
