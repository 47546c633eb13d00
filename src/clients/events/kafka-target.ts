import { readFile } from 'node:fs/promises';
import type { Producer } from '@platformatic/kafka';
import { CLOUD_EVENT_MEDIA_TYPE, type EventTarget } from '../../contract/events.ts';

export interface KafkaOptions {
  /** host:port each. */
  brokers: readonly string[];
  topic: string;
  tls: boolean;
  /** PEM file of who signs the brokers' certificates; without it the usual ones do. */
  ca_file?: string;
  sasl_mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  username?: string;
  password?: string;
}

const CLIENT_ID = 'orchestrator';
const TIMEOUT_MS = 5_000;
const HEADERS = new Map([['content-type', `${CLOUD_EVENT_MEDIA_TYPE}; charset=UTF-8`]]);

type TextProducer = Producer<string, string, string, string>;

/** Sends events to a topic, all in sync replicas; the run is the key, so the events of a run stay in order. */
export function kafkaTarget(options: KafkaOptions): EventTarget {
  const { topic } = options;
  let opening: Promise<TextProducer> | undefined;

  return {
    name: 'kafka',
    async publish(events) {
      const producer = await (opening ??= openProducer(options));
      const messages = events.map((event) => ({
        topic,
        key: event.subject,
        value: JSON.stringify(event),
        headers: HEADERS,
      }));
      try {
        await producer.send({ messages, acks: -1 });
      } catch (error) {
        // What it knows of the cluster may be what was wrong.
        opening = undefined;
        await producer.close().catch(() => undefined);
        throw error;
      }
    },
    async close() {
      const producer = await opening?.catch(() => undefined);
      await producer?.close().catch(() => undefined);
    },
  };
}

/** The driver is loaded only here: most installations have no Kafka. */
async function openProducer(options: KafkaOptions): Promise<TextProducer> {
  const kafka = await import('@platformatic/kafka');
  return new kafka.Producer({
    clientId: CLIENT_ID,
    bootstrapBrokers: [...options.brokers],
    ...(await securityOf(options)),
    serializers: kafka.stringSerializers,
    autocreateTopics: true,
    idempotent: true,
    timeout: TIMEOUT_MS,
    connectTimeout: TIMEOUT_MS,
    retries: 1,
  });
}

async function securityOf({ tls, ca_file, sasl_mechanism: mechanism, username, password }: KafkaOptions) {
  return {
    ...(tls && { tls: ca_file === undefined ? {} : { ca: await readFile(ca_file) } }),
    ...(username !== undefined && { sasl: { mechanism, username, password } }),
  };
}
