import { createHmac } from 'node:crypto';
import { sealedBox } from '../../../src/domain/sealed-box.ts';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { receiver, type Receiver, type Received } from '../../support/receiver.ts';

const [KEY, OTHER] = ['a-key-of-at-least-32-characters-2', 'another-key-of-at-least-32-characters'] as const;

let product: Product;
let server: Receiver;

beforeAll(async () => {
  server = await receiver();
  product = await startProduct({
    env: {
      ORCHESTRATOR_SECRETS_KEY: KEY,
      ORCHESTRATOR_WEBHOOKS_ALLOW_HOSTS: '127.0.0.1',
      ORCHESTRATOR_WEBHOOKS_FIRST_RETRY_MS: '20',
      ORCHESTRATOR_WEBHOOKS_MAX_ATTEMPTS: '2',
      ORCHESTRATOR_WEBHOOKS_TIMEOUT_SECONDS: '120',
    },
  });
  await product.publish('one', definition('one', { a: transform(1) }));
});
afterEach(() => void server.received.splice(0));
afterAll(async () => {
  await product.stop();
  await server.close();
});

async function webhook() {
  const { status, body } = await product.call<{ id: string; secret: string }>('POST', '/webhooks', {
    url: server.url,
    events: ['run.completed'],
  });
  expect(status).toBe(201);
  return body;
}

const stored = async (id: string) => {
  const { rows } = await product.database.pool.query<{ secret: string }>(
    'SELECT secret FROM webhook WHERE id = $1',
    [id],
  );
  return rows[0]!.secret;
};
const store = (id: string, secret: string) =>
  product.database.pool.query('UPDATE webhook SET secret = $2 WHERE id = $1', [id, secret]);
const endedRun = async () => product.ended((await product.start('one')).id);
const received = () => eventually(() => Promise.resolve(server.received[0]));

function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

test('what signs is shown once, stored sealed, and signs', async () => {
  const { id, secret } = await webhook();
  expect(secret).toMatch(/^whsec_/);
  expect(sealedBox([KEY], 'secrets').open(await stored(id), `webhook|${id}`)).toBe(secret);
  const shown = await product.call('GET', `/webhooks/${id}`);
  expect(JSON.stringify(shown.body)).not.toMatch(/whsec_|"v1\./);
  await endedRun();
  expect(isSigned(await received(), secret)).toBe(true);
  await product.call('DELETE', `/webhooks/${id}`);
});

test('what was stored before there was a key signs as before', async () => {
  const { id, secret } = await webhook();
  await store(id, secret);
  await endedRun();
  expect(isSigned(await received(), secret)).toBe(true);
  await product.call('DELETE', `/webhooks/${id}`);
});

test('what no key opens signs nothing: the delivery says why, and can be sent again', async () => {
  const { id, secret } = await webhook();
  const good = await stored(id);
  await store(id, sealedBox([OTHER], 'secrets').seal(secret, `webhook|${id}`));
  await endedRun();
  const dead = await eventually(async () => {
    const { body } = await product.call<{ items: { state: string }[] }>('GET', `/webhooks/${id}/deliveries`);
    return body.items.find(({ state }) => state === 'dead');
  });
  expect(dead).toMatchObject({
    attempts: 2,
    last_error: 'The secret of the webhook cannot be read with the keys that are set.',
  });
  expect(server.received).toEqual([]);
  await store(id, good);
  await product.call('POST', `/webhooks/${id}/replay`, { dead: true });
  expect(isSigned(await received(), secret)).toBe(true);
});
