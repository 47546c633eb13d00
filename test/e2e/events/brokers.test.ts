import { Consumer, stringDeserializers } from '@platformatic/kafka';
import { createClient, type RedisClientType } from 'redis';
import type { CloudEvent } from '../../../src/contract/events.ts';
import { fourLightSteps } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { testKafka } from '../../support/kafka-server.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testRedis } from '../../support/redis-server.ts';

const redis = await testRedis();
const kafka = await testKafka();
afterAll(async () => {
  await redis.server?.remove();
  await kafka.server?.remove();
});

/** A test that cannot be held here is skipped under its reason. */
const needs = (name: string, missing: string | undefined) =>
  missing === undefined ? ([describe, name] as const) : ([describe.skip, `${name} (${missing})`] as const);

const idsOf = (events: CloudEvent[], run_id: string) =>
  events.filter(({ subject }) => subject === run_id).map(({ id }) => id);

async function runs(product: Product, count: number) {
  const started = await Promise.all(Array.from({ length: count }, () => product.start('four', { n: 1 })));
  return Promise.all(started.map(({ id }) => product.ended(id)));
}

/** At least once, in order: each one of a run is there, and the first time each shows they are in order. */
async function expectAllOf(product: Product, run_ids: string[], seen: () => CloudEvent[]) {
  for (const id of run_ids) {
    const wanted = (await product.events(id)).map(({ seq }) => `${id}:${seq}`);
    await eventually(() => new Set(idsOf(seen(), id)).size === wanted.length || undefined);
    expect([...new Set(idsOf(seen(), id))]).toEqual(wanted);
  }
}

interface Sink {
  behind: number;
  failures: number;
  last_error: string | null;
}
const SINK = `SELECT failures, last_error, (SELECT count(*)::integer FROM run_event e
    WHERE (e.tx, e.run_id, e.seq) > (s.tx, s.run_id, s.seq)) AS behind FROM event_sink s WHERE name = 'redis'`;

const [describeRedis, redis_name] = needs('events on Redis', redis.missing);
describeRedis(redis_name, () => {
  const server = redis.server!;
  let product: Product;
  let reader: RedisClientType;
  const all: CloudEvent[] = [];
  const channels = new Set<string>();

  beforeAll(async () => {
    product = await startProduct({
      env: {
        REDIS_ADDR: server.address,
        ORCHESTRATOR_REDIS_PASSWORD: server.password,
        ORCHESTRATOR_REDIS_PREFIX: 'here',
        ORCHESTRATOR_EVENTS_SOURCE: '/test',
      },
    });
    await product.publish('four', fourLightSteps('four'));
    reader = await subscribed();
  });
  afterAll(async () => {
    reader?.destroy();
    await product?.stop();
  });

  async function subscribed(): Promise<RedisClientType> {
    const client = createClient({ url: `redis://:${server.password}@${server.address}` }) as RedisClientType;
    client.on('error', () => undefined);
    await client.connect();
    await client.pSubscribe('here:events:*', (message, channel) => {
      all.push(JSON.parse(message) as CloudEvent);
      channels.add(channel);
    });
    return client;
  }

  it('come as CloudEvents on a channel of their project and run', async () => {
    const [run] = await runs(product, 1);
    await expectAllOf(product, [run!.id], () => all);
    expect([...channels]).toEqual([`here:events:${String(run!.project_id)}:${run!.id}`]);
    expect(all[0]).toMatchObject({ specversion: '1.0', type: 'orchestrator.run.queued', source: '/test' });
  });

  it('wait while Redis is away, and hold nobody up', async () => {
    const place = async () => (await product.database.pool.query<Sink>(SINK)).rows[0]!;
    await eventually(async () => (await place()).behind === 0 || undefined);
    await server.kill();
    const ended = await runs(product, 5);
    expect(ended.map(({ state }) => state)).toEqual(Array(5).fill('completed'));
    // Not one of their events is passed over.
    const away = await eventually(async () => ((await place()).failures > 0 ? place() : undefined));
    const events = await Promise.all(ended.map(({ id }) => product.events(id)));
    expect(away.behind).toBe(events.flat().length);
    await server.start();
    await eventually(async () => (await place()).behind === 0 || undefined);
    expect(await place()).toMatchObject({ failures: 0, last_error: null });
  });

  it('answers ended runs from the cache, and everything else from the database', async () => {
    const [run] = await runs(product, 1);
    const direct = createClient({ url: `redis://:${server.password}@${server.address}` });
    direct.on('error', () => undefined);
    await direct.connect();
    const found = await product.run(run!.id);
    const key = await eventually(async () => (await direct.keys(`here:*:run:${run!.id}`))[0]);
    expect(await product.run(run!.id)).toEqual(found);
    // That it does come from there shows in what only the cache says.
    const entry = String(await direct.get(key));
    await direct.set(key, entry.replace('"state":"completed"', '"state":"failed"'));
    expect((await product.run(run!.id)).state).toBe('failed');
    // An operator opens the run again: the next answer is the database's.
    await product.database.pool.query(
      `WITH opened AS (UPDATE run SET state = 'running', ended_at = NULL, epoch = epoch + 1 WHERE id = $1 RETURNING id)
       SELECT pg_notify('orchestrator_run', id || ':99') FROM opened`,
      [run!.id],
    );
    await eventually(async () => (await product.run(run!.id)).state === 'running' || undefined);
    expect(await direct.exists(key)).toBe(0);
    direct.destroy();
  });

  it('never shows a cached run to another project', async () => {
    const [run] = await runs(product, 1);
    await product.run(run!.id);
    const other = '00000000-0000-7000-8000-0000000000aa';
    await product.database.pool.query(
      `INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')`,
      [other],
    );
    const answer = await product.call('GET', `/runs/${run!.id}?project_id=${other}`);
    expect(answer.status).toBe(404);
  });

  it('reads runs as if there were no cache while Redis is frozen or away', async () => {
    const [run] = await runs(product, 1);
    await product.run(run!.id);
    server.freeze();
    expect((await product.run(run!.id)).state).toBe('completed');
    server.thaw();
    await server.kill();
    expect((await product.run(run!.id)).state).toBe('completed');
    await server.start();
  });
});

const [describeKafka, kafka_name] = needs('events on Kafka', kafka.missing);
describeKafka(kafka_name, () => {
  const server = kafka.server!;
  let product: Product;

  beforeAll(async () => {
    product = await startProduct({
      env: { KAFKA_BROKERS: server.broker, ORCHESTRATOR_KAFKA_TOPIC: 'runs' },
    });
    await product.publish('four', fourLightSteps('four'));
  });
  afterAll(() => product?.stop());

  it('come keyed by run, in order, also those of the time Kafka was away', async () => {
    const before = await runs(product, 3);
    await server.kill();
    const during = await runs(product, 3);
    await server.start();
    const after = await runs(product, 3);
    const ids = [...before, ...during, ...after].map(({ id }) => id);
    const about = await expectOnTopic('runs', product, ids);
    expect(about).toEqual(['application/cloudevents+json; charset=UTF-8']);
  });

  it('come by TLS from one who has logged in, and not from one who cannot', async () => {
    const { broker, ca_file, username, password } = server.secure;
    const secure = {
      KAFKA_BROKERS: broker,
      ORCHESTRATOR_KAFKA_TLS: 'true',
      ORCHESTRATOR_KAFKA_CA_FILE: ca_file,
      ORCHESTRATOR_KAFKA_SASL_MECHANISM: 'PLAIN',
      ORCHESTRATOR_KAFKA_USERNAME: username,
    };
    const topics = { right: 'secure', wrong: 'refused' } as const;
    const [right, wrong] = await Promise.all([
      startProduct({
        env: { ...secure, ORCHESTRATOR_KAFKA_PASSWORD: password, ORCHESTRATOR_KAFKA_TOPIC: topics.right },
      }),
      startProduct({
        env: { ...secure, ORCHESTRATOR_KAFKA_PASSWORD: 'guessed', ORCHESTRATOR_KAFKA_TOPIC: topics.wrong },
      }),
    ]);
    for (const one of [right, wrong]) await one.publish('four', fourLightSteps('four'));
    await runs(wrong, 1);
    const ids = (await runs(right, 3)).map(({ id }) => id);
    await expectOnTopic(topics.right, right, ids);
    const failing = await eventually(async () => {
      const { rows } = await wrong.database.pool.query<{ last_error: string | null; failures: number }>(
        "SELECT last_error, failures FROM event_sink WHERE name = 'kafka'",
      );
      return rows.find(({ failures }) => failures > 0);
    });
    expect(failing.last_error).not.toContain('guessed');
    await Promise.all([right.stop(), wrong.stop()]);
  });

  /** Waits until every event of these runs is on the topic, in order; answers the content types of those keyed by their run. */
  async function expectOnTopic(topic: string, from: Product, ids: string[]): Promise<unknown[]> {
    const seen: CloudEvent[] = [];
    const consumer = new Consumer({
      groupId: topic,
      clientId: 'test',
      bootstrapBrokers: [server.broker],
      deserializers: stringDeserializers,
    });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false });
    const about = new Set<unknown>();
    stream.on('data', ({ key, value, headers }) => {
      const event = JSON.parse(value) as CloudEvent;
      seen.push(event);
      about.add(key === event.subject && headers.get('content-type'));
    });
    await expectAllOf(from, ids, () => seen);
    await new Promise<void>((resolve, reject) =>
      consumer.close(true, (error) => (error ? reject(error) : resolve())),
    );
    return [...about];
  }
});
