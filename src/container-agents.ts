import { agentManager, type AgentManager } from './clients/agents/manager.ts';
import type { Base } from './container-store.ts';
import { startPresence, type AgentPresence } from './domain/agent-presence.ts';
import { agentService } from './domain/agents.ts';
import { agentRepository, type NewAgent } from './persistence/agents.ts';

/** Silence of so many heartbeats, and an agent counts as lost. */
const BEATS_MISSED = 3;

export function createAgentRepository({ config, db }: Pick<Base, 'config' | 'db'>) {
  return agentRepository(db, BEATS_MISSED * config.worker.agent_heartbeat_seconds);
}

/** What operators see of agents, ours and those of the manager, which is followed from now on. */
export function createAgents(base: Base) {
  const manager = followAgentManager(base);
  return {
    agents: agentService({ agents: createAgentRepository(base), manager }),
    agent_manager: manager,
  };
}

/** Follows the Agent Manager, where one is configured, until it is stopped. */
export function followAgentManager({
  config,
  logger,
}: Pick<Base, 'config' | 'logger'>): AgentManager | undefined {
  const { base_url, token, timeout_seconds, refresh_seconds } = config.agent_manager;
  if (base_url === undefined) return undefined;
  let last_left_out = '';
  return agentManager({
    base_url,
    token: token?.reveal(),
    timeout_ms: timeout_seconds * 1_000,
    refresh_seconds,
    shared_queues: new Set([config.temporal.task_queue, config.worker.code_task_queue]),
    onMalformed(count, id) {
      // Every list has it again.
      if (last_left_out === `${count} ${id}`) return;
      last_left_out = `${count} ${id}`;
      logger.warn({ count, id }, 'records of the agent manager that cannot be read were left out');
    },
    onAway: (err) => logger.warn({ err }, 'the agent manager is away'),
    onBack: () => logger.info('the agent manager is back'),
  });
}

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
