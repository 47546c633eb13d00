import pg from 'pg';
import { TASK_CHANNEL } from './agent-tasks.ts';
import { RUN_CHANNEL } from './run-journal.ts';

export interface RunNews {
  run_id: string;
  /** The run has ended: nothing will follow. */
  ended: boolean;
}

/** A task was offered to agents. */
export interface TaskNews {
  project_id: string;
  capability: string;
}

export interface Notifications {
  close(): Promise<void>;
}

const RECONNECT_MS = 500;

/**
 * Listens for news on a connection of its own. `onNews` gets a run and whether it has ended, `onTask` what agents are
 * offered; after a lost connection `onGap` is called, since what was announced meanwhile is not repeated.
 */
export async function listenForRuns(
  url: string,
  handlers: { onNews: (news: RunNews) => void; onTask: (news: TaskNews) => void; onGap: () => void },
): Promise<Notifications> {
  let closed = false;
  let client: pg.Client | undefined;

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, keepAlive: true });
    next.on('notification', ({ channel, payload = '' }) => {
      if (channel === TASK_CHANNEL) return handlers.onTask(taskNews(payload));
      const [run_id, , end] = payload.split(':');
      if (run_id) handlers.onNews({ run_id, ended: end !== undefined });
    });
    const drop = () => void next.end().catch(() => undefined);
    next.on('error', drop);
    try {
      await next.connect();
      await next.query(`LISTEN ${RUN_CHANNEL}; LISTEN ${TASK_CHANNEL}`);
    } catch (error) {
      drop();
      throw error;
    }
    // Only from here on: one that never stood ends as well, and whoever tried goes on trying.
    next.once('end', () => void reconnect());
    client = next;
  }

  async function reconnect(): Promise<void> {
    for (;;) {
      if (closed) return;
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      const connected = await connect().then(
        () => true,
        () => false,
      );
      if (connected) return handlers.onGap();
    }
  }

  await connect();
  return {
    async close() {
      closed = true;
      await client?.end().catch(() => undefined);
    },
  };
}

/** A capability may have colons of its own. */
function taskNews(payload: string): TaskNews {
  const colon = payload.indexOf(':');
  return { project_id: payload.slice(0, colon), capability: payload.slice(colon + 1) };
}
