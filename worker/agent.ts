import { availableParallelism, hostname, totalmem } from 'node:os';
import { createPresence } from '../src/container-agents.ts';
import type { Base } from '../src/container-store.ts';
import type { SandboxReport } from '../src/contract/sandbox.ts';
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
  more: Parameters<typeof createPresence>[2],
): ReturnType<typeof createPresence> {
  const { agent_name = `${hostname()}:${process.pid}`, agent_labels: labels } = base.config.worker;
  const languages = report.languages
    .filter(({ available }) => available)
    .map(({ language, version }) => ({ language, ...(version === undefined ? {} : { version }) }));
  const cores = availableParallelism();
  const capabilities = { languages, isolation: report.isolation, cores, memory_bytes: totalmem() };
  const agent = {
    id,
    type: 'code',
    name: agent_name,
    task_queue,
    capabilities,
    labels,
    slots,
    version: VERSION,
  };
  return createPresence(base, agent, more);
}
