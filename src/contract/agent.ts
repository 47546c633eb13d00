import type { LanguageReport, SandboxIsolation } from './sandbox.ts';

/** `lost`: it should have been heard of by now. */
export const AGENT_STATUSES = ['ready', 'draining', 'stopped', 'lost'] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** What an agent can do, as it found out at its start. */
export type AgentCapabilities = {
  languages: Pick<LanguageReport, 'language' | 'version'>[];
  isolation: SandboxIsolation | null;
  cores: number;
  memory_bytes: number;
};

export interface Agent {
  id: string;
  type: string;
  name: string;
  status: AgentStatus;
  capabilities: AgentCapabilities;
  labels: Record<string, string>;
  /** What it works on, as a part of what it can work on at once. */
  load: number;
  running: number;
  slots: number;
  /** Which only this agent polls. */
  task_queue: string;
  version: string;
  started_at: Date;
  last_heartbeat_at: Date;
  restarts: number;
  restart_requested_at: Date | null;
}

/** Which agents may carry something out. */
export interface AgentWish {
  language: string;
  id?: string;
  labels?: Record<string, string>;
}

/** Where a list of agents goes on: after this one. */
export type AgentPlace = Pick<Agent, 'started_at' | 'id'>;

/** Who knows agents. What its list is ordered by is its own to choose. */
export interface AgentSource {
  list(limit: number, after?: AgentPlace): Promise<Agent[]>;
  find(id: string): Promise<Agent | undefined>;
  /** Those that take work. */
  alive(): Promise<Agent[]>;
  /** Undefined unless it lives. Asked twice, it restarts once. */
  requestRestart(id: string, actor: string): Promise<Agent | undefined>;
}

/** Our own database, and the Agent Manager where one is configured. */
export const AGENT_SOURCES = ['own', 'agent_manager'] as const;
export type AgentSourceName = (typeof AGENT_SOURCES)[number];

/** A source that is elsewhere and can be away: what it knows of is then out of date, and its agents are `lost`. */
export interface RemoteAgentSource extends AgentSource {
  isAvailable(): boolean;
}

export type SourcedAgent = Agent & { source: AgentSourceName };

/** An agent's id, whoever made it: those of our own are UUIDs. */
export const AGENT_ID = /^[a-z0-9][a-z0-9._-]{0,99}$/;
