import type { RunCache } from '../../contract/run-cache.ts';
import type { RedisLink } from './redis-link.ts';

/** Slower than this it is no help. */
const TIMEOUT_MS = 100;

/**
 * A cache in Redis. Every entry belongs to a generation, and a new one begins whenever a process gets a connection: what it may
 * have failed to remove before is never read again.
 */
export function redisCache(link: RedisLink, prefix: string): RunCache {
  const generation_key = `${prefix}:run-generation`;
  const keyOf = (id: string) => `${prefix}:run:${id}`;
  let renewed: Promise<unknown> = Promise.reject(new Error('Redis was never connected'));
  renewed.catch(() => undefined);
  let to_forget = new Set<string>();

  link.onReady((client) => {
    renewed = client.incr(generation_key);
    renewed.catch(() => undefined);
  });

  async function connected() {
    const client = await link.client();
    await renewed;
    return client;
  }

  function renew(): void {
    renewed = link.client().then((client) => client.incr(generation_key));
    renewed.catch(() => undefined);
  }

  async function flush(): Promise<void> {
    const ids = [...to_forget];
    to_forget = new Set();
    await within(link.client().then((client) => client.unlink(ids.map(keyOf)))).catch(renew);
  }

  return {
    read: (id) =>
      within(
        (async () => {
          const client = await connected();
          const [generation, entry] = await client.mGet([generation_key, keyOf(id)]);
          const head = `${generation ?? ''}\n`;
          return { text: entry?.startsWith(head) ? entry.slice(head.length) : undefined, generation: head };
        })(),
      ),
    async write(id, { text, generation, seconds }) {
      const client = await connected();
      await within(client.set(keyOf(id), generation + text, { expiration: { type: 'EX', value: seconds } }));
    },
    forget(id) {
      if (to_forget.size === 0) setImmediate(() => void flush());
      to_forget.add(id);
    },
    forgetAll: renew,
  };
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('Redis did not answer in time')), TIMEOUT_MS);
  });
  work.catch(() => undefined);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
