import type { Agent } from '../contract/agent.ts';
import { AppError } from '../contract/errors.ts';
import type { AgentPosition, AgentRepository } from '../persistence/agents.ts';

/** What operators see of agents, and ask of them. */
export function agentService({ agents }: { agents: AgentRepository }) {
  /** Throws `not_found`. */
  async function get(id: string): Promise<Agent> {
    const agent = await agents.find(id);
    if (!agent) throw new AppError('not_found');
    return agent;
  }

  return {
    get,

    /** Those that started last first. */
    list: (limit: number, after?: AgentPosition): Promise<Agent[]> => agents.list(limit, after),

    /**
     * Asks an agent to take nothing new, to end or hand over what it has, and to start anew. Asked again before it has, it is the
     * same request. Throws `not_found`; `state_conflict` for one that is lost or stopped: nobody would hear.
     */
    async restart(id: string, actor: string): Promise<Agent> {
      const asked = await agents.requestRestart(id, actor);
      if (asked) return asked;
      const { status } = await get(id);
      throw new AppError('state_conflict', { detail: `The agent is ${status}.`, extra: { status } });
    },
  };
}

export type AgentService = ReturnType<typeof agentService>;
