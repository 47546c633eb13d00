import { kafkaTarget } from './clients/events/kafka-target.ts';
import { redisCache } from './clients/events/redis-cache.ts';
import { redisLink, type RedisLink } from './clients/events/redis-link.ts';
import { redisTarget } from './clients/events/redis-target.ts';
import { createGuardedFetch } from './clients/http/guarded-fetch.ts';
import { createSecretBox } from './container-secrets.ts';
import type { Base, Store } from './container-store.ts';
import type { EventTarget } from './contract/events.ts';
import { eventPump } from './domain/event-pump.ts';
import { eventTail } from './domain/event-tail.ts';
import type { RunFeed } from './domain/run-feed.ts';
import { runLogs } from './domain/run-logs.ts';
import { runStatus } from './domain/run-status.ts';
import { webhookPump } from './domain/webhook-pump.ts';
import { webhookSender } from './domain/webhook-sender.ts';
import { webhookService } from './domain/webhooks.ts';
import { newId } from './ids.ts';
import { eventLogRepository } from './persistence/event-log.ts';
import { eventSinkRepository } from './persistence/event-sinks.ts';
import { runLogRepository } from './persistence/run-logs.ts';
import { webhookDeliveryRepository } from './persistence/webhook-deliveries.ts';
import { webhookFanOutRepository } from './persistence/webhook-fan-out.ts';
import { webhookRepository } from './persistence/webhooks.ts';
import { VERSION } from './version.ts';

/** What happens with events in an API process: streams of projects, webhooks, brokers, the cache of ended runs. */
export function createEvents(base: Base, store: Store, feed: RunFeed) {
  const { config, db, logger, metrics } = base;
  const log = eventLogRepository(db);
  const sinks = eventSinkRepository(db);
  const onError = (err: unknown, sink?: string) => logger.warn({ err, sink }, 'events are not out yet');
  const redis = createRedis(base);
  const { kafka } = config;
  const { prefix, run_cache_seconds: cache_seconds } = config.redis;
  const targets: EventTarget[] = [
    ...(redis ? [redisTarget(redis, prefix)] : []),
    ...(kafka.brokers.length > 0 ? [kafkaTarget({ ...kafka, password: kafka.password?.reveal() })] : []),
  ];
  const { source } = config.events;
  const pumps = targets.map((target) => eventPump({ target, log, sinks, metrics, source, onError }));
  const tail = eventTail({ log, onError });
  const cache = redis && cache_seconds > 0 ? redisCache(redis, `${prefix}:${VERSION}`) : undefined;
  const status = runStatus({ runs: store.run_rows, cache, metrics, cache_seconds });
  const hooks = createWebhooks(base, { log, sinks, onError });
  const ringAll = () => {
    for (const pump of pumps) pump.ring();
    tail.onNews();
    hooks.pump.onNews();
  };
  feed.watch({ onNews: ringAll, onGap: ringAll });
  feed.watch(status);
  return {
    tail,
    status,
    webhooks: hooks.service,
    logs: runLogs({ runs: store.run_rows, logs: runLogRepository(db) }),
    async stop() {
      await Promise.all([...pumps, hooks.pump].map((pump) => pump.stop()));
      await Promise.all(targets.map((target) => target.close()));
      await redis?.close();
      await hooks.close();
    },
  };
}

function createRedis({ config, logger }: Base): RedisLink | undefined {
  const { addr, db, username, password, tls } = config.redis;
  if (addr === undefined) return undefined;
  const { hostname, port } = new URL(`redis://${addr}`);
  const onError = (err: unknown) => logger.warn({ err }, 'Redis is not there');
  const host = hostname.replace(/^\[|\]$/g, '');
  return redisLink({ host, port: Number(port), db, username, password: password?.reveal(), tls, onError });
}

type Shared = Pick<Parameters<typeof webhookPump>[0], 'log' | 'sinks' | 'onError'>;

function createWebhooks({ config, db, metrics }: Base, shared: Shared) {
  const box = createSecretBox({ config });
  const { allow_hosts, max_attempts, first_retry_ms, timeout_seconds, keep_delivered_days } = config.webhooks;
  const webhooks = webhookRepository(db);
  const deliveries = webhookDeliveryRepository(db);
  const fanOut = webhookFanOutRepository(db);
  const timeout_ms = timeout_seconds * 1_000;
  const fetch = createGuardedFetch({ allow: allow_hosts, timeout_ms, max_response_bytes: 1_048_576 });
  const sender = webhookSender({
    webhooks,
    deliveries,
    fetch,
    metrics,
    box,
    source: config.events.source,
    version: VERSION,
    max_attempts,
    first_retry_ms,
    timeout_ms,
    clock: () => new Date(),
    random: Math.random,
  });
  const pump = webhookPump({ ...shared, fanOut, deliveries, sender, keep_delivered_days });
  const onChange = () => pump.onChange();
  const service = webhookService({ webhooks, deliveries, fanOut, box, onChange, ids: newId });
  return { pump, service, close: () => fetch.close() };
}
