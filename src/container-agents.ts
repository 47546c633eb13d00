import type { Base } from './container-store.ts';
import { agentService } from './domain/agents.ts';
import { agentRepository } from './persistence/agents.ts';

/** Silence of so many heartbeats, and an agent counts as lost. */
const BEATS_MISSED = 3;

export function createAgentRepository({ config, db }: Pick<Base, 'config' | 'db'>) {
  return agentRepository(db, BEATS_MISSED * config.worker.agent_heartbeat_seconds);
}

/** What operators see of agents. */
export const createAgents = (base: Base) => ({
  agents: agentService({ agents: createAgentRepository(base) }),
});
