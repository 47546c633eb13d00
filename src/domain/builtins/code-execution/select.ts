import { setTimeout as pause } from 'node:timers/promises';
import type { Agent, AgentSource, AgentWish } from '../../../contract/agent.ts';
import type { JsonObject } from '../../../contract/json.ts';
import { findOwn } from '../../agents.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeOutcome } from '../../nodes/node.ts';
import { chooseAgent } from '../../rules/agent-choice.ts';

const LOOK_AGAIN_MS = 500;

interface Deps {
  agents: Pick<AgentSource, 'alive' | 'find'>;
  /** What else knows agents, without being waited for. */
  manager?: Pick<AgentSource, 'alive'>;
  random: () => number;
  /** One that is about to start, or to come back, is waited for. */
  patience_ms: number;
}

/** SelectAgent: the least loaded agent that has the language and the labels, whoever knows it. */
export function selectAgent({ random, patience_ms, ...sources }: Deps): NodeExecutor {
  return async (config, { signal }): Promise<NodeOutcome> => {
    const wish: AgentWish = { ...(config.wanted as JsonObject), language: config.language as string };
    for (const until_ms = Date.now() + patience_ms; ; await pause(LOOK_AGAIN_MS, undefined, { signal })) {
      const chosen = await choose(sources, wish, random);
      if (chosen) return { state: 'succeeded', output: chosenOutput(chosen), error: null };
      if (Date.now() > until_ms) return nobody(wish);
    }
  };
}

async function choose(
  { agents, manager }: Pick<Deps, 'agents' | 'manager'>,
  wish: AgentWish,
  random: () => number,
): Promise<Agent | undefined> {
  const own = await agents.alive();
  let candidates = [...own, ...((await manager?.alive()) ?? [])];
  for (;;) {
    const chosen = chooseAgent(candidates, wish, random);
    // One of ours that does not take work now is not had through its id at the manager.
    if (!chosen || own.includes(chosen) || !(await findOwn(agents, chosen.id))) return chosen;
    candidates = candidates.filter((candidate) => candidate !== chosen);
  }
}

function chosenOutput({ id, name, task_queue, load }: Agent): JsonObject {
  return { agent_id: id, name, task_queue, load };
}

function nobody(wish: AgentWish): NodeOutcome {
  const message = `No agent that is there can run ${wish.language} and is what was asked for.`;
  return { state: 'failed', output: null, error: { code: 'agent_unavailable', message } };
}
