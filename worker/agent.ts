import { availableParallelism, hostname, totalmem } from 'node:os';
import { createAgentRepository } from '../src/container-agents.ts';
import type { Base } from '../src/container-store.ts';
import type { SandboxReport } from '../src/contract/sandbox.ts';
import { startPresence, type AgentPresence } from '../src/domain/agent-presence.ts';
import { VERSION } from '../src/version.ts';

/** This process as one that carries programs out. */
export interface AgentIdentity {
  id: string;
  /** Which only it polls, beside the one of all agents. */
  task_queue: string;
  slots: number;
}

export function agentIdentity({ config: { worker } }: Pick<Base, 'config'>, new_id: string): AgentIdentity {
  const id = worker.agent_id ?? new_id;
  const slots = worker.max_concurrent_code_tasks ?? availableParallelism();
  return { id, task_queue: `${worker.code_task_queue}-${id}`, slots };
}

/** Registers the agent with what its sandbox can do, and keeps it known as long as it lives. */
export function announce(
  base: Base,
  { id, task_queue, slots }: AgentIdentity,
  report: SandboxReport,
  more: { running: () => number; onRestart: () => void },
): Promise<AgentPresence> {
  const { config, logger } = base;
  const {
    agent_name = `${hostname()}:${process.pid}`,
    agent_labels,
    agent_heartbeat_seconds,
  } = config.worker;
  const languages = report.languages
    .filter(({ available }) => available)
    .map(({ language, version }) => ({ language, ...(version === undefined ? {} : { version }) }));
  const { isolation } = report;
  return startPresence({
    agents: createAgentRepository(base),
    agent: {
      id,
      type: 'code',
      name: agent_name,
      task_queue,
      capabilities: { languages, isolation, cores: availableParallelism(), memory_bytes: totalmem() },
      labels: agent_labels,
      slots,
      version: VERSION,
    },
    every_ms: agent_heartbeat_seconds * 1_000,
    onError: (err) => logger.warn({ err }, 'the agent could not say that it lives'),
    ...more,
  });
}
