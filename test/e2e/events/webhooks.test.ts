import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { CloudEvent } from '../../../src/contract/events.ts';
import { definition, fourLightSteps, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { receiver, type Received, type Receiver } from '../../support/receiver.ts';
import { settledLog } from '../../support/settled-log.ts';

interface Webhook {
  id: string;
  secret: string;
  enabled: boolean;
  disabled_reason: string | null;
}
interface Delivery {
  event_id: string;
  state: string;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
}

let product: Product;
const receivers: Receiver[] = [];

beforeAll(async () => {
  product = await startProduct({
    env: {
      ORCHESTRATOR_WEBHOOKS_ALLOW_HOSTS: '127.0.0.1',
      ORCHESTRATOR_WEBHOOKS_FIRST_RETRY_MS: '20',
      ORCHESTRATOR_WEBHOOKS_MAX_ATTEMPTS: '3',
      // What is sent to a busy machine must not be given up and sent again.
      ORCHESTRATOR_WEBHOOKS_TIMEOUT_SECONDS: '120',
    },
  });
  await product.publish('four', fourLightSteps('four'));
});
afterEach(async () => {
  const { items } = (await product.call('GET', '/webhooks?limit=100')).body as { items: Webhook[] };
  for (const { id } of items) await product.call('DELETE', `/webhooks/${id}`);
  await Promise.all(receivers.splice(0).map((one) => one.close()));
});
afterAll(() => product.stop());

async function listening(): Promise<Receiver> {
  const one = await receiver();
  receivers.push(one);
  return one;
}

async function webhook(url: string, events?: string[]): Promise<Webhook> {
  const { status, body } = await product.call('POST', '/webhooks', { url, ...(events ? { events } : {}) });
  expect(status).toBe(201);
  return body as unknown as Webhook;
}

async function deliveries({ id }: Webhook, state = ''): Promise<Delivery[]> {
  const query = state === '' ? '' : `&state=${state}`;
  const { body } = await product.call('GET', `/webhooks/${id}/deliveries?limit=100${query}`);
  return (body as { items: Delivery[] }).items;
}

const eventOf = ({ body }: Received) => JSON.parse(body) as CloudEvent;
const typesOf = (one: Receiver) => one.received.map((request) => eventOf(request).type);
const endedRun = async () => product.ended((await product.start('four', { n: 1 })).id);
const settled = (hook: Webhook, count: number) =>
  eventually(async () => {
    const all = await deliveries(hook);
    return all.length === count && all.every(({ state }) => state !== 'pending') ? all : undefined;
  });
const fail = (status: number) => (res: ServerResponse) => void res.writeHead(status).end();

it('sends signed CloudEvents, a run’s in order, each once', async () => {
  const one = await listening();
  const hook = await webhook(one.url, ['*']);
  const run = await endedRun();
  const events = await product.events(run.id);
  await settled(hook, events.length);
  expect(one.received.map((request) => eventOf(request).id)).toEqual(
    events.map(({ seq }) => `${run.id}:${seq}`),
  );
  for (const [index, { headers, body }] of one.received.entries()) {
    const { type, time, data, seq } = events[index] as (typeof events)[number] & { time: string };
    expect(JSON.parse(body)).toEqual({
      specversion: '1.0',
      id: `${run.id}:${seq}`,
      source: '/orchestrator',
      type: `orchestrator.${type}`,
      subject: run.id,
      time,
      datacontenttype: 'application/json',
      projectid: run.project_id,
      sequence: String(seq).padStart(10, '0'),
      data,
    });
    expect(headers['content-type']).toBe('application/cloudevents+json');
    // As the Standard Webhooks say a receiver verifies.
    const key = Buffer.from(hook.secret.replace('whsec_', ''), 'base64');
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    expect(headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
    );
    expect(headers['webhook-id']).toBe(`${run.id}:${seq}`);
    expect(Math.abs(Date.now() / 1_000 - Number(headers['webhook-timestamp']))).toBeLessThan(60);
  }
});

it('sends the types that were asked for, and shows the secret once', async () => {
  const [ends, runs] = [await listening(), await listening()];
  const first = await webhook(ends.url, ['run.completed']);
  const second = await webhook(runs.url);
  expect(first.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect((await product.call('GET', `/webhooks/${first.id}`)).body).not.toHaveProperty('secret');
  expect(JSON.stringify((await product.call('GET', '/webhooks')).body)).not.toContain('whsec_');
  await endedRun();
  await settled(first, 1);
  expect(typesOf(ends)).toEqual(['orchestrator.run.completed']);
  await settled(second, 3);
  expect(typesOf(runs)).toEqual(['queued', 'started', 'completed'].map((name) => `orchestrator.run.${name}`));
});

it('tries again after a failure, and those after it in the run wait for it', async () => {
  const one = await listening();
  const hook = await webhook(one.url);
  let failures = 2;
  one.answer = (res) => (failures-- > 0 ? fail(503)(res) : res.writeHead(200).end('fine'));
  const run = await endedRun();
  const all = await settled(hook, 3);
  expect(all.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered']);
  expect(all.find(({ event_id }) => event_id === `${run.id}:1`)).toMatchObject({
    attempts: 3,
    last_status: 200,
  });
  expect(typesOf(one).map((type) => type.replace('orchestrator.run.', ''))).toEqual([
    'queued',
    'queued',
    'queued',
    'started',
    'completed',
  ]);
  expect(new Set(one.received.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
});

it('gives up after the last attempt, and sends dead letters again when asked', async () => {
  const one = await listening();
  const hook = await webhook(one.url, ['run.completed']);
  one.answer = fail(500);
  await endedRun();
  const [dead] = await settled(hook, 1);
  expect(dead).toMatchObject({ state: 'dead', attempts: 3, last_status: 500, last_error: 'HTTP status 500' });
  expect(await deliveries(hook, 'delivered')).toEqual([]);
  one.answer = (res) => res.writeHead(200).end();
  const replay = await product.call('POST', `/webhooks/${hook.id}/replay`, { dead: true });
  expect([replay.status, replay.body]).toEqual([202, { queued: 1 }]);
  await eventually(async () => (await deliveries(hook, 'delivered')).length === 1 || undefined);
  expect(await deliveries(hook, 'dead')).toEqual([]);
  expect(one.received.length).toBe(4);
});

it('sends everything from an event on again, also to a webhook that was not there then', async () => {
  const before = await endedRun();
  const after = await endedRun();
  const one = await listening();
  const hook = await webhook(one.url);
  await settledLog(product.database.db);
  const replay = await product.call('POST', `/webhooks/${hook.id}/replay`, { from_event: `${before.id}:2` });
  const queued = (replay.body as { queued: number }).queued;
  await settled(hook, queued);
  const ids = one.received.map((request) => eventOf(request).id);
  const ofRun = (id: string) =>
    ids.filter((one) => one.startsWith(id)).map((one) => Number(one.split(':')[1]));
  expect(ofRun(before.id)).toEqual([2, 11]);
  expect(ofRun(after.id)).toEqual([1, 2, 11]);
  const unknown = await product.call('POST', `/webhooks/${hook.id}/replay`, {
    from_event: `${before.id}:999`,
  });
  expect(unknown.status).toBe(404);
  expect((await product.call('POST', `/webhooks/${hook.id}/replay`, {})).status).toBe(422);
});

it('is not held up by another webhook whose server never answers', async () => {
  const [stuck, fine] = [await listening(), await listening()];
  const hung: ServerResponse[] = [];
  stuck.answer = (res) => void hung.push(res);
  await webhook(stuck.url, ['*']);
  const hook = await webhook(fine.url, ['run.completed']);
  const runs = await Promise.all(Array.from({ length: 12 }, endedRun));
  await settled(hook, runs.length);
  expect(hung.length).toBeGreaterThan(0);
  expect(stuck.received.length).toBe(hung.length);
});

it('is switched off by 410 Gone, and on again by its owner', async () => {
  const one = await listening();
  const hook = await webhook(one.url, ['run.completed']);
  one.answer = fail(410);
  await endedRun();
  const off = await eventually(async () => {
    const now = (await product.call<Webhook & Record<string, unknown>>('GET', `/webhooks/${hook.id}`)).body;
    return now.enabled ? undefined : now;
  });
  expect(off.disabled_reason).toBe('Its server answered 410 Gone.');
  await endedRun();
  one.answer = (res) => res.writeHead(200).end();
  const on = await product.call('PATCH', `/webhooks/${hook.id}`, { enabled: true });
  expect(on.body).toMatchObject({ enabled: true, disabled_reason: null });
  const last = await endedRun();
  await eventually(async () => (await deliveries(hook, 'delivered')).length === 1 || undefined);
  expect(eventOf(one.received.at(-1)!).subject).toBe(last.id);
});

it('goes to no redirect and to no address that may not be called', async () => {
  const [one, target] = [await listening(), await listening()];
  one.answer = (res) => res.writeHead(307, { location: target.url }).end();
  const redirected = await webhook(one.url, ['run.completed']);
  const internal = await webhook('http://127.0.0.2:1/', ['run.completed']);
  await endedRun();
  expect((await settled(redirected, 1))[0]).toMatchObject({ state: 'dead', last_status: 307 });
  expect(target.received).toEqual([]);
  expect((await settled(internal, 1))[0]).toMatchObject({
    state: 'dead',
    last_status: null,
    last_error: 'The host 127.0.0.2 may not be called.',
  });
});

it.each([
  [{ url: 'ftp://x.test/' }, '/url'],
  [{ url: 'https://user:secret@x.test/' }, '/url'],
  [{ url: 'nothing' }, '/url'],
  [{ url: 'https://x.test/', events: [] }, '/events'],
  [{ url: 'https://x.test/', events: ['run.*.x'] }, '/events/0'],
])('refuses %j', async (body, path) => {
  const answer = await product.call('POST', '/webhooks', body);
  expect([answer.status, (answer.body as { errors: { path: string }[] }).errors[0]!.path]).toEqual([
    422,
    path,
  ]);
});

it('knows what belongs to a run that is retained no longer', async () => {
  const one = await listening();
  one.answer = fail(500);
  const hook = await webhook(one.url, ['run.completed']);
  await product.publish('one', definition('one', { a: transform(1) }));
  await product.ended((await product.start('one')).id);
  await settled(hook, 1);
  await product.database.pool.query(
    `UPDATE run SET ended_at = now() - interval '91 days' WHERE workflow = 'one'`,
  );
  const { deleteRuns } = await import('../../../src/persistence/retention.ts');
  const old = { older_than_seconds: 90 * 86_400, limit: 10 };
  expect(await deleteRuns(product.database.db, DEFAULT_PROJECT_ID, old)).toBe(1);
  expect(await deliveries(hook)).toEqual([]);
});
