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
