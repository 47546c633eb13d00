import { z } from 'zod';
import { AGENT_ID, type SourcedAgent } from '../../contract/agent.ts';
import { isOwnId, type AgentPosition, type AgentService } from '../../domain/agents.ts';
import { decodeCursor, notACursor, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { agentPage, agentParams, agentView, listAgentsQuery } from '../schemas/agents.ts';
import { moment, rowText } from '../schemas/conventions.ts';

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
    summary: 'Agents: our own, those that started last first, then those of the Agent Manager, by id.',
    query: listAgentsQuery,
    responses: { 200: { description: 'One page.', schema: agentPage } },
    async handler({ query: { limit, cursor } }) {
      const rows = await agents.list(limit + 1, positionOf(cursor));
      const { items, next_cursor } = pageOf(rows, limit, ({ source, started_at, id }) => ({
        source,
        started_at: started_at.toISOString(),
        id,
      }));
      const unavailable = agents.unavailable();
      return { status: 200, body: { items: items.map(viewAgent), next_cursor, unavailable } };
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

/** Throws `validation_failed` for a cursor that this list did not give. */
function positionOf(cursor: string | undefined): AgentPosition | undefined {
  const place = decodeCursor(cursor, {
    source: z.enum(['own', 'agent_manager']),
    started_at: moment,
    id: rowText,
  });
  if (place && !(place.source === 'own' ? isOwnId(place.id) : AGENT_ID.test(place.id))) throw notACursor();
  return place;
}

function viewAgent(agent: SourcedAgent) {
  return {
    ...agent,
    started_at: agent.started_at.toISOString(),
    last_heartbeat_at: agent.last_heartbeat_at.toISOString(),
    restart_requested_at: agent.restart_requested_at?.toISOString() ?? null,
  };
}
