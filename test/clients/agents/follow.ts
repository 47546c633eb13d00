import { agentManager, type AgentManager } from '../../../src/clients/agents/manager.ts';
import { ManagerFailure } from '../../../src/clients/agents/failure.ts';
import { TOKEN } from '../../fixtures/agent-manager.ts';
import { agentManagerServer, type AgentManagerServer, type WireAgent } from '../../support/agent-manager.ts';
import { eventually } from '../../support/eventually.ts';

/** What the client told, in order: `away unavailable`, `back`, `left out 1 gpu-7`. */
export interface Followed {
  client: AgentManager;
  told: string[];
  ids: () => Promise<string[]>;
  /** Resolves once it knows exactly these, by id. */
  knows: (...ids: string[]) => Promise<unknown>;
}

interface Settings {
  refresh_seconds?: number;
  timeout_ms?: number;
  token?: string;
}

/** A manager for each test, and clients that follow it; all of them are stopped after it, and no one broke the protocol. */
export function managerStage(page_size?: number) {
  const clients: AgentManager[] = [];
  const stage = { server: undefined as unknown as AgentManagerServer, follow };
  beforeEach(async () => {
    stage.server = await agentManagerServer({ page_size });
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.stop()));
    await stage.server.stop();
    expect(stage.server.violations).toEqual([]);
  });
  return stage;

  function follow({ refresh_seconds = 1, timeout_ms = 20_000, token = TOKEN }: Settings = {}): Followed {
    const told: string[] = [];
    const client = agentManager({
      base_url: `${stage.server.url}/`,
      token,
      timeout_ms,
      refresh_seconds,
      shared_queues: new Set(['shared']),
      onMalformed: (count, id) => told.push(`left out ${count} ${id}`),
      onAway: (error) => told.push(`away ${error instanceof ManagerFailure ? error.code : String(error)}`),
      onBack: () => told.push('back'),
    });
    clients.push(client);
    const ids = async () => (await client.list(10_000)).map(({ id }) => id);
    const knows = (...wanted: string[]) =>
      eventually(async () => client.isAvailable() && (await ids()).join() === wanted.join());
    return { client, told, ids, knows };
  }
}

/** A record as a manager has it. */
export const wireAgent = (id: string, more: Record<string, unknown> = {}): WireAgent => ({
  id,
  revision: 1,
  status: 'ready',
  capabilities: { languages: [{ language: 'bash' }] },
  task_queue: `queue-${id}`,
  started_at: '2026-03-01T08:00:00Z',
  last_heartbeat_at: '2026-03-01T09:00:00Z',
  ...more,
});
