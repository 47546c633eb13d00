import type {
  Agent,
  AgentPlace,
  AgentSource,
  AgentSourceName,
  RemoteAgentSource,
  SourcedAgent,
} from '../contract/agent.ts';
import { ManagerFailure } from '../clients/agents/failure.ts';
import { AppError } from '../contract/errors.ts';

/** Where a list of all agents goes on. */
export type AgentPosition = AgentPlace & { source: AgentSourceName };

interface Deps {
  agents: AgentSource;
  /** Where one is configured. */
  manager?: RemoteAgentSource;
}

/** What operators see of agents, and ask of them. An id that both sources have is that of our own. */
export function agentService({ agents, manager }: Deps) {
  const list = agentList({ agents, manager });

  /** Throws `not_found`; `agent_manager_unavailable` when it could be an agent of the manager, which cannot be asked. */
  async function get(id: string): Promise<SourcedAgent> {
    const own = await findOwn(agents, id);
    if (own) return { ...own, source: 'own' };
    const managed = await manager?.find(id);
    if (managed) return { ...managed, source: 'agent_manager' };
    throw manager && !manager.isAvailable() ? managerAway() : new AppError('not_found');
  }

  return {
    get,
    list,

    /** Who cannot be asked now. */
    unavailable: (): AgentSourceName[] => (manager && !manager.isAvailable() ? ['agent_manager'] : []),

    /**
     * Asks an agent to take nothing new, to end or hand over what it has, and to start anew. Asked again before it has, it is the
     * same request. Throws `not_found`; `state_conflict` for one that is lost or stopped: nobody would hear; `agent_manager_unavailable` when the
     * manager cannot be asked.
     */
    async restart(id: string, actor: string): Promise<SourcedAgent> {
      const is_own = (await findOwn(agents, id)) !== undefined;
      const asked = is_own
        ? await agents.requestRestart(id, actor)
        : await manager?.requestRestart(id, actor).catch(translated);
      if (asked) return { ...asked, source: is_own ? 'own' : 'agent_manager' };
      const { status } = await get(id);
      throw new AppError('state_conflict', { detail: `The agent is ${status}.`, extra: { status } });
    },
  };
}

export type AgentService = ReturnType<typeof agentService>;

/** Our own agents have UUIDs; an id of another form is not looked for among them. */
export async function findOwn(agents: Pick<AgentSource, 'find'>, id: string): Promise<Agent | undefined> {
  return isOwnId(id) ? agents.find(id) : undefined;
}

export const isOwnId = (id: string): boolean => UUID.test(id);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Pages through both: our own, those that started last first, then those of the manager by id. */
function agentList({ agents, manager }: Deps) {
  async function managed(limit: number, place?: AgentPlace): Promise<SourcedAgent[]> {
    const found: SourcedAgent[] = [];
    for (let after = place; manager && found.length < limit;) {
      const page = await manager.list(limit - found.length, after);
      if (page.length === 0) break;
      const owned = await Promise.all(page.map(({ id }) => findOwn(agents, id)));
      const others = page.filter((_agent, i) => owned[i] === undefined);
      found.push(...others.map((agent) => ({ ...agent, source: 'agent_manager' as const })));
      after = page.at(-1);
    }
    return found;
  }

  return async (limit: number, after?: AgentPosition): Promise<SourcedAgent[]> => {
    if (after?.source === 'agent_manager') return managed(limit, after);
    const own = await agents.list(limit, after);
    return [
      ...own.map((agent) => ({ ...agent, source: 'own' as const })),
      ...(await managed(limit - own.length)),
    ];
  };
}

function translated(error: unknown): never {
  throw error instanceof ManagerFailure ? managerAway(error) : error;
}

const managerAway = (cause?: unknown) =>
  new AppError('agent_manager_unavailable', {
    detail: 'The agent manager cannot be asked now.',
    extra: { unavailable: ['agent_manager'] },
    cause,
  });
