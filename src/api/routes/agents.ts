import type { Agent } from '../../contract/agent.ts';
import type { AgentService } from '../../domain/agents.ts';
import { decodeCursor, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { agentParams, agentView, listAgentsQuery } from '../schemas/agents.ts';
import { page } from '../schemas/conventions.ts';

interface Deps {
  agents: AgentService;
}

const group = 'agents';

/** The processes that carry programs out. */
export function agentRoutes(deps: Deps): Route[] {
  return [listRoute(deps), getRoute(deps), restartRoute(deps)];
}

function listRoute({ agents }: Deps): Route {
  return route({
    method: 'get',
    path: '/agents',
    group,
    summary: 'Agents, those that started last first.',
    query: listAgentsQuery,
    responses: { 200: { description: 'One page.', schema: page(agentView) } },
    async handler({ query: { limit, cursor } }) {
      const after = decodeCursor(cursor, ['started_at', 'id']);
      const position = after && { started_at: new Date(after.started_at), id: after.id };
      const rows = await agents.list(limit + 1, position);
      const { items, next_cursor } = pageOf(rows, limit, ({ started_at, id }) => ({
        started_at: started_at.toISOString(),
        id,
      }));
      return { status: 200, body: { items: items.map(viewAgent), next_cursor } };
    },
  });
}

function getRoute({ agents }: Deps): Route {
  return route({
    method: 'get',
    path: '/agents/:id',
    group,
    summary: 'An agent: what it can, how it is, and how much it has to do.',
    params: agentParams,
    responses: { 200: { description: 'The agent.', schema: agentView } },
    handler: async ({ params }) => ({ status: 200, body: viewAgent(await agents.get(params.id)) }),
  });
}

function restartRoute({ agents }: Deps): Route {
  return route({
    method: 'post',
    path: '/agents/:id/restart',
    group,
    summary: 'Let an agent end or hand over what it has, and start anew.',
    params: agentParams,
    role: 'operator',
    responses: { 202: { description: 'It hears of it with its next heartbeat.', schema: agentView } },
    handler: async ({ params, principal }) => ({
      status: 202,
      body: viewAgent(await agents.restart(params.id, principal.id)),
    }),
  });
}

function viewAgent(agent: Agent) {
  return {
    ...agent,
    started_at: agent.started_at.toISOString(),
    last_heartbeat_at: agent.last_heartbeat_at.toISOString(),
    restart_requested_at: agent.restart_requested_at?.toISOString() ?? null,
  };
}
