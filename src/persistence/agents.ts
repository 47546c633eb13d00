import type { Agent, AgentCapabilities } from '../contract/agent.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** An agent as it introduces itself. */
export interface NewAgent {
  id: string;
  type: string;
  name: string;
  task_queue: string;
  capabilities: AgentCapabilities;
  labels: Record<string, string>;
  slots: number;
  version: string;
}

export interface AgentPosition {
  started_at: Date;
  id: string;
}

/** Whoever has said nothing for so many seconds is lost; the database's clock tells. */
const columns = (
  silent_seconds: string,
) => `id, type, name, capabilities, labels, running, slots, task_queue, version,
  started_at, last_heartbeat_at, restarts, restart_requested_at, running::float8 / slots AS load,
  CASE WHEN status <> 'stopped' AND last_heartbeat_at < now() - make_interval(secs => ${silent_seconds}) THEN 'lost'
    ELSE status END AS status`;

// One that was restarted is the same agent; what was asked of it has been done.
const INTRODUCE = statement<never>(
  'agent_introduce',
  `INSERT INTO agent (id, type, name, task_queue, capabilities, labels, slots, version, status)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'ready')
   ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, task_queue = EXCLUDED.task_queue,
     capabilities = EXCLUDED.capabilities, labels = EXCLUDED.labels, slots = EXCLUDED.slots, version = EXCLUDED.version,
     status = 'ready', running = 0, started_at = now(), last_heartbeat_at = now(), restarts = agent.restarts + 1,
     restart_requested_at = NULL, restart_requested_by = NULL`,
);

const BEAT = statement<{ restart_requested: boolean }>(
  'agent_beat',
  `UPDATE agent SET last_heartbeat_at = now(), running = $2, status = $3 WHERE id = $1
   RETURNING restart_requested_at IS NOT NULL AS restart_requested`,
);

/** To the millisecond, as places in the list are told. */
const STARTED = "date_trunc('milliseconds', started_at)";

const LIST = statement<Agent>(
  'agent_list',
  `SELECT ${columns('$1')} FROM agent
   WHERE ($2::timestamptz IS NULL OR (${STARTED}, id) < ($2, $3::uuid)) ORDER BY ${STARTED} DESC, id DESC LIMIT $4`,
);

const ALIVE = statement<Agent>(
  'agent_alive',
  `SELECT ${columns('$1')} FROM agent
   WHERE status = 'ready' AND last_heartbeat_at >= now() - make_interval(secs => $1) AND restart_requested_at IS NULL
   ORDER BY last_heartbeat_at DESC LIMIT 1000`,
);

const FIND = statement<Agent>('agent_find', `SELECT ${columns('$1')} FROM agent WHERE id = $2`);

const REQUEST_RESTART = statement<Agent>(
  'agent_request_restart',
  `UPDATE agent SET restart_requested_at = coalesce(restart_requested_at, now()),
     restart_requested_by = coalesce(restart_requested_by, $3)
   WHERE id = $2 AND status <> 'stopped' AND last_heartbeat_at >= now() - make_interval(secs => $1)
   RETURNING ${columns('$1')}`,
);

const FORGET = statement<never>(
  'agent_forget',
  `DELETE FROM agent WHERE last_heartbeat_at < now() - make_interval(secs => $1)`,
);

export function agentRepository(db: Db, silent_seconds: number) {
  return {
    async introduce(agent: NewAgent): Promise<void> {
      const { id, type, name, task_queue, capabilities, labels, slots, version } = agent;
      await run(db, INTRODUCE, [id, type, name, task_queue, capabilities, labels, slots, version]);
    },

    /** True when it is asked to restart; undefined when it is not known any more. */
    async beat(
      id: string,
      running: number,
      status: 'ready' | 'draining' | 'stopped',
    ): Promise<boolean | undefined> {
      return (await runOne(db, BEAT, [id, running, status]))?.restart_requested;
    },

    /** Those that started last first. */
    list: (limit: number, after?: AgentPosition): Promise<Agent[]> =>
      run(db, LIST, [silent_seconds, after?.started_at ?? null, after?.id ?? null, limit]),

    /** Those that take work. */
    alive: (): Promise<Agent[]> => run(db, ALIVE, [silent_seconds]),

    find: (id: string): Promise<Agent | undefined> => runOne(db, FIND, [silent_seconds, id]),

    /** Undefined unless it lives. Asked twice, it restarts once. */
    requestRestart: (id: string, actor: string): Promise<Agent | undefined> =>
      runOne(db, REQUEST_RESTART, [silent_seconds, id, actor]),

    /** Forgets those nothing was heard of for so long. */
    async forget(seconds: number): Promise<void> {
      await run(db, FORGET, [seconds]);
    },
  };
}

export type AgentRepository = ReturnType<typeof agentRepository>;
