import pg from 'pg';
import { RUN_CHANNEL } from './run-journal.ts';

export interface RunNews {
  run_id: string;
  /** The run has ended: nothing will follow. */
  ended: boolean;
}

export interface Notifications {
  close(): Promise<void>;
}

const RECONNECT_MS = 500;

/**
 * Listens for news of runs on a connection of its own. `onNews` gets the run and whether it has ended; after a lost
 * connection `onGap` is called, since what was announced meanwhile is not repeated.
 */
export async function listenForRuns(
  url: string,
  handlers: { onNews: (news: RunNews) => void; onGap: () => void },
): Promise<Notifications> {
  let closed = false;
  let client: pg.Client | undefined;

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, keepAlive: true });
    next.on('notification', ({ payload }) => {
      const [run_id, , end] = (payload ?? '').split(':');
      if (run_id) handlers.onNews({ run_id, ended: end !== undefined });
    });
    next.once('error', () => void next.end().catch(() => undefined));
    next.once('end', () => void reconnect());
    await next.connect();
    await next.query(`LISTEN ${RUN_CHANNEL}`);
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
