import type { RedisClientType } from 'redis';

export interface RedisOptions {
  host: string;
  port: number;
  db: number;
  username?: string;
  password?: string;
  tls: boolean;
  /** Told of lost connections; the link makes new ones by itself. */
  onError: (error: unknown) => void;
}

/** A connection that comes back by itself. What is asked while it is away fails at once. */
export interface RedisLink {
  /** Rejects while there is no connection. */
  client(): Promise<RedisClientType>;
  /** Called whenever a connection stands. */
  onReady(listener: (client: RedisClientType) => void): void;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_MS = 5_000;
const MAX_QUEUE = 10_000;

/** Opens a link; nothing waits for it. The driver is loaded only here: most installations have no Redis. */
export function redisLink(options: RedisOptions): RedisLink {
  const listeners: ((client: RedisClientType) => void)[] = [];
  let opened: RedisClientType | undefined;
  let is_closed = false;

  async function open(): Promise<void> {
    const { createClient } = await import('redis');
    if (is_closed) return;
    const { host, port, db, username, password, tls } = options;
    const socket = {
      host,
      port,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (tries: number) => Math.min(MAX_RECONNECT_MS, 50 * 2 ** Math.min(tries, 10)),
    };
    const client = createClient({
      socket: tls ? { ...socket, tls: true } : socket,
      database: db,
      username,
      password,
      RESP: 2,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_QUEUE,
    }) as unknown as RedisClientType;
    opened = client;
    client.on('error', (error: unknown) => options.onError(error));
    client.on('ready', () => listeners.forEach((listener) => listener(client)));
    await client.connect();
  }

  const opening = open().catch((error: unknown) => is_closed || options.onError(error));
  return {
    async client() {
      // Only the driver may still be loading: a connection is not waited for.
      if (!opened) await Promise.race([opening, new Promise((resolve) => setTimeout(resolve, 500))]);
      if (!opened?.isReady) throw new Error('Redis is not connected');
      return opened;
    },
    onReady(listener) {
      listeners.push(listener);
      if (opened?.isReady) listener(opened);
    },
    async close() {
      is_closed = true;
      if (opened?.isOpen) opened.destroy();
      await opening;
    },
  };
}
