import type { Agent, RemoteAgentSource } from '../../contract/agent.ts';
import { createGuardedFetch } from '../http/guarded-fetch.ts';
import { ManagerFailure } from './failure.ts';
import { followManager } from './follower.ts';
import { managerHttp, type ManagerHttp } from './http.ts';
import { openEvents } from './socket.ts';
import { agentView, type AgentView } from './view.ts';
import { readAgent } from './wire.ts';

export interface AgentManagerOptions {
  base_url: string;
  token?: string;
  /** For one request, and for opening the socket. */
  timeout_ms: number;
  /** How often the manager should be heard of; three times that in silence, and its agents are lost. */
  refresh_seconds: number;
  /** Task queues of ours that no agent of the manager may claim for itself. */
  shared_queues: ReadonlySet<string>;
  /** So many records or messages of another form were left out; an id among them, where one can be read. */
  onMalformed: (count: number, id?: string) => void;
  onAway: (error: unknown) => void;
  onBack: () => void;
  /** Certificates to trust in place of the system's. */
  ca?: string;
}

/** The agents of an Agent Manager. A restart throws `ManagerFailure` when it could not be asked for. */
export interface AgentManager extends RemoteAgentSource {
  /** Lets go of the socket, of what is under way and of all timers. */
  stop(): Promise<void>;
}

const REFRESHES_MISSED = 3;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Follows a manager (docs/agent-manager.md) from now on. What it knows is in memory, and asked for without waiting. */
export function agentManager(options: AgentManagerOptions): AgentManager {
  const { timeout_ms, refresh_seconds, shared_queues, token, ca } = options;
  const base_url = options.base_url.replace(/\/+$/, '');
  const refresh_ms = refresh_seconds * 1_000;
  const now = () => performance.now();
  const over = new AbortController();
  const fetch = createGuardedFetch({
    // The operator has named it, whatever network it is in.
    allow: [new URL(base_url).host],
    timeout_ms,
    max_response_bytes: MAX_ANSWER_BYTES,
    max_redirects: 0,
    ca,
  });
  const http = managerHttp({ fetch, base_url, token, open_ms: refresh_ms, now });
  const view = agentView({ ...options, max_age_ms: REFRESHES_MISSED * refresh_ms, now, shared_queues });
  const socket = { base_url, token, connect_timeout_ms: timeout_ms, ping_seconds: refresh_seconds, ca };
  const following = followManager(
    {
      http,
      open: (listener, signal) => openEvents(socket, listener, signal),
      view,
      refresh_ms,
      now,
      random: Math.random,
      onMalformed: () => options.onMalformed(1),
      onAway: options.onAway,
      onBack: options.onBack,
    },
    over.signal,
  );

  let stopped: Promise<void> | undefined;

  return {
    isAvailable: view.isFresh,
    list: (limit, after) => Promise.resolve(view.list(limit, after)),
    find: (id) => Promise.resolve(view.find(id)),
    alive: () => Promise.resolve(view.alive()),
    requestRestart: (id, actor) => restart({ http, view }, id, actor, over.signal),
    stop() {
      over.abort();
      return (stopped ??= following.then(() => fetch.close()));
    },
  };
}

async function restart(
  { http, view }: { http: ManagerHttp; view: AgentView },
  id: string,
  actor: string,
  signal: AbortSignal,
): Promise<Agent | undefined> {
  const asked = await http.restart(id, actor, signal);
  // Somebody changed it, and what we know of it is older than that.
  const seen = asked === 'conflict' ? await http.get(id, signal) : asked;
  if (typeof seen === 'string') view.remove(id);
  else view.update(seen.agent);
  if (typeof asked === 'string') return undefined;
  const agent = readAgent(asked.agent);
  if (agent?.id !== id)
    throw new ManagerFailure('answer_invalid', 'The agent manager did not answer with that agent.');
  const { revision: _revision, ...shown } = agent;
  return shown;
}
