import type { Agent, AgentPlace } from '../../contract/agent.ts';
import type { ManagerEvent, ManagedAgent } from './wire.ts';
import { idOf, readAgent } from './wire.ts';

interface Options {
  /** What nothing was heard of for longer counts for nothing. */
  max_age_ms: number;
  now: () => number;
  /** Task queues that no agent has to itself. */
  shared_queues: ReadonlySet<string>;
  /** So many records were left out that are not as they should be; the first of their ids that can be read. */
  onMalformed: (count: number, id: string | undefined) => void;
}

export const MAX_AGENTS = 10_000;

/** What is known of the manager's agents, in memory. It is fresh as long as the manager is heard of. */
export function agentView({ max_age_ms, now, shared_queues, onMalformed }: Options) {
  let agents = new Map<string, ManagedAgent>();
  let heard_ms = -Infinity;
  let ordered: ManagedAgent[] | undefined;

  const isFresh = () => now() - heard_ms <= max_age_ms;
  const shown = ({ revision: _revision, ...agent }: ManagedAgent): Agent =>
    isFresh() || agent.status === 'stopped' ? agent : { ...agent, status: 'lost' };
  const byId = () => (ordered ??= [...agents.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
  const read = (record: unknown): ManagedAgent | undefined => {
    const agent = readAgent(record);
    return agent && !shared_queues.has(agent.task_queue) ? agent : undefined;
  };

  /** Takes a later state of one agent. One that cannot be read any more is no agent that could be chosen. */
  function update(record: unknown): void {
    const agent = read(record);
    const id = agent?.id ?? idOf(record);
    const known = id === undefined ? undefined : agents.get(id);
    ordered = undefined;
    if (!agent) {
      if (known) agents.delete(known.id);
      return onMalformed(1, id);
    }
    if (known ? agent.revision > known.revision : agents.size < MAX_AGENTS) agents.set(agent.id, agent);
  }

  function remove(id: string, revision = Infinity): void {
    const known = agents.get(id);
    if (!known || known.revision > revision) return;
    agents.delete(id);
    ordered = undefined;
  }

  return {
    isFresh,
    update,
    remove,

    /** The manager was heard of now, or as it was at `at_ms`: what is here is as it was then. */
    heard(at_ms = now()): void {
      heard_ms = Math.max(heard_ms, at_ms);
    },

    /** Takes the whole list as it was at `at_ms`. Of records with the same id the latest counts. */
    replace(records: readonly unknown[], at_ms: number): void {
      const next = new Map<string, ManagedAgent>();
      const malformed: unknown[] = [];
      for (const record of records) {
        const agent = read(record);
        if (!agent) malformed.push(record);
        else if (agent.revision > (next.get(agent.id)?.revision ?? -1)) next.set(agent.id, agent);
      }
      agents = next;
      ordered = undefined;
      heard_ms = Math.max(heard_ms, at_ms);
      if (malformed.length > 0)
        onMalformed(
          malformed.length,
          malformed.map(idOf).find((id) => id !== undefined),
        );
    },

    apply(event: ManagerEvent): void {
      if (event.type === 'agent.updated') update(event.agent);
      if (event.type === 'agent.removed') remove(event.id, event.revision);
    },

    /** By id. */
    list: (limit: number, after?: Pick<AgentPlace, 'id'>): Agent[] => {
      const all = byId();
      return all.slice(firstAfter(all, after?.id), firstAfter(all, after?.id) + limit).map(shown);
    },

    find(id: string): Agent | undefined {
      const agent = agents.get(id);
      return agent && shown(agent);
    },

    alive: (): Agent[] =>
      isFresh()
        ? byId()
            .filter(({ status, restart_requested_at }) => status === 'ready' && restart_requested_at === null)
            .map(shown)
        : [],
  };
}

export type AgentView = ReturnType<typeof agentView>;

function firstAfter(sorted: readonly ManagedAgent[], id: string | undefined): number {
  if (id === undefined) return 0;
  const found = sorted.findIndex((agent) => agent.id > id);
  return found === -1 ? sorted.length : found;
}
