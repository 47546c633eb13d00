import type { Base } from './container-store.ts';
import { startPresence, type AgentPresence } from './domain/agent-presence.ts';
import { agentService } from './domain/agents.ts';
import { agentRepository, type NewAgent } from './persistence/agents.ts';

/** Silence of so many heartbeats, and an agent counts as lost. */
const BEATS_MISSED = 3;

export function createAgentRepository({ config, db }: Pick<Base, 'config' | 'db'>) {
  return agentRepository(db, BEATS_MISSED * config.worker.agent_heartbeat_seconds);
}

/** What operators see of agents. */
export const createAgents = (base: Base) => ({
  agents: agentService({ agents: createAgentRepository(base) }),
});

/** Makes an agent known, and keeps it so as long as it lives. */
export function createPresence(
  base: Base,
  agent: NewAgent,
  more: { running: () => number; onRestart: () => void },
): Promise<AgentPresence> {
  const { config, logger } = base;
  return startPresence({
    agents: createAgentRepository(base),
    agent,
    every_ms: config.worker.agent_heartbeat_seconds * 1_000,
    onError: (err) => logger.warn({ err }, 'the agent could not say that it lives'),
    ...more,
  });
}
