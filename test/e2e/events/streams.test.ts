import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { jest } from '@jest/globals';
import type { CloudEvent } from '../../../src/contract/events.ts';
import { stepRepository } from '../../../src/persistence/steps.ts';
import { startApiProcess, type ApiProcess } from '../../support/api-process.ts';
import { definition, fourLightSteps, wait } from '../../support/definitions.ts';
import { type Frame, type Read, readSocket, readSse } from '../../support/event-readers.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { receiver } from '../../support/receiver.ts';
import { settledLog } from '../../support/settled-log.ts';

const OTHER = '00000000-0000-7000-8000-0000000000bb';
let product: Product;
/** A second API process on the same database. */
let replica: ApiProcess;

beforeAll(async () => {
  product = await startProduct({
    env: { ORCHESTRATOR_WEBHOOKS_ALLOW_HOSTS: '127.0.0.1', ORCHESTRATOR_WEBHOOKS_TIMEOUT_SECONDS: '120' },
  });
  await product.publish('waiting', definition('waiting', { w: wait(600) }));
  await product.publish('four', fourLightSteps('four'));
  replica = await startApiProcess(ofReplica());
});
afterAll(async () => {
  await replica.remove();
  await product.stop();
});

const ofReplica = () => ({
  ORCHESTRATOR_DATABASE_URL: product.database_url,
  ORCHESTRATOR_WEBHOOKS_ALLOW_HOSTS: '127.0.0.1',
  // What is sent to a busy machine must not be given up and sent again.
  ORCHESTRATOR_WEBHOOKS_TIMEOUT_SECONDS: '120',
  ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '0',
});

const note = (run_id: string, text: string) =>
  stepRepository(product.database.db).note(run_id, 'step.log', {
    node: 'w',
    attempt: 1,
    stream: 'stdout',
    text,
  });
/** Other tests on the same server may have long transactions, and nothing after one of them is settled before it ends. */
const SETTLED_SECONDS = 600;
jest.setTimeout(900_000);

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Comes back after each cut, from the other process every second time, until `isDone`. */
async function readWithCuts(read: Read, path: string, isDone: (seen: Frame[]) => boolean) {
  const seen: Frame[] = [];
  let cuts = 0;
  for (; !isDone(seen); cuts++) {
    if (cuts > 1_000) throw new Error(`it never ended: ${JSON.stringify(seen.slice(-3))}`);
    const api = cuts % 2 === 0 ? product : replica;
    seen.push(...(await read(api, path, seen.at(-1)?.id, 1 + (cuts % 17))));
  }
  return { seen, cuts };
}

describe.each([
  ['server-sent events', readSse, (id: string) => `/runs/${id}/events/stream`],
  ['a WebSocket', readSocket, (id: string) => `/runs/${id}`],
])('the events of a run over %s', (_name, read, pathOf) => {
  it('have no gap, no double and their order after twenty forced disconnects', async () => {
    const { id } = await product.start('waiting');
    await product.until(id, ({ state }) => state === 'running');
    const writing = (async () => {
      for (let i = 0; i < 300; i++) await note(id, `line ${i}`);
      await product.call('POST', `/runs/${id}/cancel`, {});
    })();
    const { seen, cuts } = await readWithCuts(
      read,
      pathOf(id),
      (all) => all.at(-1)?.event.type === 'run.cancelled',
    );
    await writing;
    expect(cuts).toBeGreaterThan(20);
    expect(seen.map(({ event }) => event.seq)).toEqual(range(seen.length));
    expect(seen.map(({ event }) => event.seq)).toEqual((await product.events(id)).map(({ seq }) => seq));
    // There is nothing after the end.
    expect(await read(product, pathOf(id), seen.at(-1)!.id, 1)).toEqual([]);
  });
});

describe.each([
  ['server-sent events', readSse, '/events/stream'],
  ['a WebSocket', readSocket, '/runs'],
])('the events of a project over %s', (_name, read, path) => {
  it('come once each, those of a run in order, and of no other project, over many disconnects', async () => {
    await product.database.pool.query(
      `INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test') ON CONFLICT DO NOTHING`,
      [OTHER],
    );
    const of_other = { 'x-project-id': OTHER };
    const workflow = { tag_name: 'four', workflow: fourLightSteps('four') };
    await product.call('POST', '/workflows', workflow, of_other);
    // From an event on that is there already, so that not a moment is missed.
    const first = await product.start('four', { n: 0 });
    await product.ended(first.id);
    const start = (
      await product.database.pool.query<{ tx: string }>(
        'SELECT tx::text AS tx FROM run_event WHERE run_id = $1 AND seq = 1',
        [first.id],
      )
    ).rows[0]!;
    const from = Buffer.from(JSON.stringify({ tx: start.tx, run_id: first.id, seq: 1 })).toString(
      'base64url',
    );
    // A transaction that is open anywhere in the cluster keeps what is after it unsettled.
    await eventually(async () => {
      const { rows } = await product.database.pool.query<{ settled: boolean }>(
        'SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8 AS settled',
        [start.tx],
      );
      return rows[0]?.settled || undefined;
    }, SETTLED_SECONDS);
    const of_others: string[] = [];
    const ids = range(12).map(async (n) => {
      const foreign = await product.call('POST', '/runs', { workflow: 'four', input: { n } }, of_other);
      of_others.push(String(foreign.body.id));
      const { id } = await product.start('four', { n });
      await product.ended(id);
      return id;
    });
    let wanted: string[] | undefined;
    const isDone = (seen: Frame[]) =>
      wanted !== undefined &&
      seen.filter(({ event }) => event.type === 'run.completed' && wanted!.includes(event.run_id)).length ===
        12;
    // The stream has no end: something must go on until the reader has found that it has all.
    let is_read = false;
    const further = Promise.all(ids).then(async (all) => {
      wanted = all;
      while (!is_read) await product.ended((await product.start('four', { n: 0 })).id);
    });
    const from_there: Read = (api, where, after, count) => read(api, where, after ?? from, count);
    const { seen, cuts } = await readWithCuts(from_there, path, isDone);
    is_read = true;
    await further;
    expect(cuts).toBeGreaterThan(10);
    for (const id of wanted!) {
      const mine = seen.filter(({ event }) => event.run_id === id).map(({ event }) => event.seq);
      expect(mine).toEqual((await product.events(id)).map(({ seq }) => seq));
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    for (const { event } of seen) expect(of_others).not.toContain(event.run_id);
  });

  it('begin with what happens from now on, in whichever process it happens', async () => {
    await settledLog(product.database.db);
    const reading = read(replica, path, undefined, 2);
    // Only what starts after the reader is there must come: try until one did.
    let is_over = false;
    void reading.finally(() => (is_over = true)).catch(() => undefined);
    const started: string[] = [];
    await eventually(async () => {
      if (!is_over) started.push((await product.start('four', { n: 1 })).id);
      return is_over || undefined;
    }, SETTLED_SECONDS);
    const frames = await reading;
    for (const { event } of frames) expect(started).toContain(event.run_id);
  });

  it('refuse an id that is none of theirs', async () => {
    for (const id of ['nonsense', Buffer.from('{"tx":"x","run_id":"y","seq":1}').toString('base64url')])
      await expect(read(product, path, id, 1)).rejects.toThrow(/422/);
  });
});

it('reach a webhook once each, although two processes look after it', async () => {
  const one = await receiver();
  const created = await product.call('POST', '/webhooks', { url: one.url, events: ['*'] });
  const runs = await Promise.all(range(20).map((n) => product.start('four', { n })));
  await Promise.all(runs.map(({ id }) => product.ended(id)));
  const wanted = (await Promise.all(runs.map(({ id }) => product.events(id)))).flat().length;
  // Runs of the tests before may still have something to say.
  const mine = new Set(runs.map(({ id }) => id));
  const idsOf = () =>
    one.received
      .map(({ body }) => (JSON.parse(body) as CloudEvent).id)
      .filter((id) => mine.has(id.slice(0, id.indexOf(':'))));
  await eventually(() => new Set(idsOf()).size === wanted || undefined, SETTLED_SECONDS);
  expect(idsOf().length).toBe(wanted);
  await product.call('DELETE', `/webhooks/${String(created.body.id)}`);
  await one.close();
});

it('a stalled reader of a large backlog costs no memory, over SSE and WebSockets alike', async () => {
  const { id } = await product.start('waiting');
  await product.until(id, ({ state }) => state === 'running');
  const { seq } = (await product.events(id)).at(-1)!;
  await product.database.pool.query(
    `WITH r AS (UPDATE run SET last_event_seq = last_event_seq + 2000 WHERE id = $1)
     INSERT INTO run_event (run_id, seq, type, data)
     SELECT $1, $2 + i, 'step.log', json_build_object('text', repeat('x', 30000)) FROM generate_series(1, 2000) AS i`,
    [id, seq],
  );
  // Once without hurry, so that what reading itself takes is taken already.
  expect((await readSocket(replica, `/runs/${id}`, undefined, 300)).length).toBe(300);
  expect((await readSse(replica, `/runs/${id}/events/stream`, undefined, 300)).length).toBe(300);
  const before = replica.peakBytes();
  const sockets = range(10).map((n) => stalled(n % 2 === 0 ? `/runs/${id}/events/stream` : `/ws/runs/${id}`));
  // Others are served meanwhile.
  for (let i = 0; i < 5; i++)
    expect((await readSocket(replica, `/runs/${id}`, '1000', 100)).length).toBe(100);
  expect(replica.peakBytes() - before).toBeLessThan(120_000_000);
  for (const socket of sockets) socket.destroy();
  await product.call('POST', `/runs/${id}/cancel`, {});

  function stalled(path: string) {
    const socket = connect(Number(new URL(replica.url).port), '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    const upgrade = path.startsWith('/ws')
      ? `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n`
      : '';
    socket.write(
      `GET /api/v1${path} HTTP/1.1\r\nHost: x\r\n${upgrade}Authorization: Bearer ${replica.token}\r\n\r\n`,
    );
    return socket;
  }
});

it('a webhook goes on when the process that sent to it is killed', async () => {
  const one = await receiver();
  const unanswered: ServerResponse[] = [];
  one.answer = (res) => void unanswered.push(res);
  // What it has claimed is free again soon.
  const doomed = await startApiProcess({ ...ofReplica(), ORCHESTRATOR_WEBHOOKS_TIMEOUT_SECONDS: '1' });
  const created = await product.call('POST', '/webhooks', { url: one.url, events: ['run.completed'] });
  const runs = await Promise.all(range(6).map((n) => product.start('four', { n })));
  await Promise.all(runs.map(({ id }) => product.ended(id)));
  await eventually(() => one.received.length > 0 || undefined);
  await doomed.remove();
  one.answer = (res) => res.writeHead(200).end();
  // Those of the processes that live.
  for (const res of unanswered) res.writeHead(200).end();
  const told = await eventually(async () => {
    const { body } = await product.call(
      'GET',
      `/webhooks/${String(created.body.id)}/deliveries?state=delivered`,
    );
    const { items } = body as { items: { event_id: string }[] };
    return items.length === runs.length ? items : undefined;
  });
  expect(new Set(told.map(({ event_id }) => event_id.split(':')[0]))).toEqual(
    new Set(runs.map(({ id }) => id)),
  );
  await one.close();
});
