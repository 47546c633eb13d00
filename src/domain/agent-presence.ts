import { setTimeout as pause } from 'node:timers/promises';
import type { AgentRepository, NewAgent } from '../persistence/agents.ts';

interface Deps {
  agents: Pick<AgentRepository, 'introduce' | 'beat' | 'forget'>;
  agent: NewAgent;
  /** What it works on now. */
  running: () => number;
  every_ms: number;
  /** Somebody asked it to restart; called once. */
  onRestart: () => void;
  onError: (error: unknown) => void;
}

/** Those that are gone for a week are of no interest to anybody. */
const FORGET_AFTER_SECONDS = 7 * 86_400;

export interface AgentPresence {
  /** From now on it takes nothing new. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Introduces an agent and says again and again that it lives. A database that is away is tried again with the next beat. */
export async function startPresence(deps: Deps): Promise<AgentPresence> {
  const { agents, agent, running, every_ms, onRestart, onError } = deps;
  const over = new AbortController();
  let status: 'ready' | 'draining' | 'stopped' = 'ready';
  let is_restarting = false;

  async function beat(): Promise<void> {
    const restart = await agents.beat(agent.id, running(), status);
    // Somebody has cleaned the table.
    if (restart === undefined) await agents.introduce(agent);
    if (!restart || is_restarting) return;
    is_restarting = true;
    onRestart();
  }
  const tried = (work: () => Promise<void>) => work().catch(onError);

  await agents.introduce(agent);
  await tried(() => agents.forget(FORGET_AFTER_SECONDS));
  const beating = (async () => {
    for (;;) {
      await pause(every_ms, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      await tried(beat);
    }
  })();

  return {
    async drain() {
      status = 'draining';
      await tried(beat);
    },
    async stop() {
      over.abort();
      await beating;
      status = 'stopped';
      await tried(beat);
    },
  };
}
