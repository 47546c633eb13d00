import { newId } from '../../../src/ids.ts';
import { definition, wait } from '../../support/definitions.ts';
import { contradictions } from '../../support/model-check.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { temporalSide, untilStep, type TemporalSide } from './temporal-side.ts';

interface Command {
  id: string;
  type: string;
  state: string;
  expires_at: string | null;
  reason: string | null;
  errors: { path: string }[];
}

let product: Product;
let side: TemporalSide;

beforeAll(async () => {
  product = await startProduct();
  side = await temporalSide();
  await product.publish('idle', definition('idle', { w: wait(600) }));
});
afterAll(async () => {
  for (const { id } of (await product.call<{ items: { id: string }[] }>('GET', '/runs?status=running')).body
    .items) {
    await product.call('POST', `/runs/${id}/cancel`);
    await product.ended(id);
  }
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
  await side.close();
  await product.stop();
});

async function idle(): Promise<string> {
  const { id } = await product.start('idle');
  await untilStep(product, id, 'w', 'waiting');
  return id;
}

const commands = async (id: string) =>
  (await product.call<{ items: Command[] }>('GET', `/runs/${id}/commands`)).body.items;
const query = (text: string, values: unknown[]) => product.database.pool.query(text, values);

it('a command that nobody delivers in time is expired, says so, and is not delivered after it', async () => {
  const id = await idle();
  // Accepted while Temporal was away: nobody has told the workflow.
  for (const command of ['one', 'two'])
    await query(
      `WITH c AS (INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, expires_at)
         VALUES ($1, $2, 'pause', '{}', '', 'queued', 'test', now() - interval '1 second') RETURNING *)
       INSERT INTO outbox (id, run_id, kind, command_id, next_attempt_at) SELECT $3, run_id, 'command', id, now() FROM c`,
      [id, command, newId()],
    );
  for (;;) {
    const found = await commands(id);
    if (found.every(({ state }) => state === 'expired')) break;
    expect(found.map(({ state }) => state)).not.toContain('delivered');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const events = (await product.events(id)).filter(({ type }) => type === 'command.expired');
  expect(events.map(({ data }) => data.id)).toEqual(['one', 'two']);
  expect((await query('SELECT 1 FROM outbox WHERE run_id = $1', [id])).rowCount).toBe(0);
  expect((await product.run(id)).state).toBe('running');
});

it('a workflow that hears of a command too late does not apply it', async () => {
  const id = await idle();
  await query(
    `INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, delivered_at, expires_at)
     VALUES ($1, 'late', 'pause', '{}', '', 'delivered', 'test', now(), now())`,
    [id],
  );
  const signal = { id: 'late', type: 'pause', actor: 'test', payload: {}, expires_at_ms: Date.now() - 1 };
  await side.client.workflow.getHandle(id).signal('command', signal);
  for (let found = await commands(id); found[0]!.state !== 'expired'; found = await commands(id))
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await product.run(id)).state).toBe('running');
  expect((await product.events(id)).at(-1)).toMatchObject({ type: 'command.expired', data: { id: 'late' } });
});

it('a command in time is applied; it shows when it would have been too late', async () => {
  const id = await idle();
  const before = Date.now();
  const { status, body } = await product.call<Command>('POST', `/runs/${id}/commands`, {
    id: 'p',
    type: 'pause',
    expires_in_seconds: 60,
  });
  expect(status).toBe(202);
  const expires_ms = Date.parse(body.expires_at!) - before;
  expect(expires_ms).toBeGreaterThan(55_000);
  expect(expires_ms).toBeLessThan(65_000);
  await product.until(id, (run) => run.state === 'paused');
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  const resumed = await product.call<{ command: Command }>('POST', `/runs/${id}/resume`, { expires_at });
  expect(resumed.body.command.expires_at).toBe(expires_at);
  await product.until(id, (run) => run.state === 'running');
});

it('control that says nothing about it expires after the configured time; an event never does', async () => {
  const id = await idle();
  await product.call('POST', `/runs/${id}/events/tick`, 1);
  await product.call('POST', `/runs/${id}/pause`);
  const [event, pause] = await commands(id);
  expect(event).toMatchObject({ type: 'event', expires_at: null });
  const days = (Date.parse(pause!.expires_at!) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(6.9);
  expect(days).toBeLessThan(7.1);
  await product.until(id, (run) => run.state === 'paused');
  await product.call('POST', `/runs/${id}/resume`);
  await product.until(id, (run) => run.state === 'running');
});

it.each<[string, object, string]>([
  ['a moment that has passed', { expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
  ['no time at all', { expires_in_seconds: 0 }, '/expires_in_seconds'],
  ['both', { expires_in_seconds: 5, expires_at: '2999-01-01T00:00:00Z' }, '/expires_in_seconds'],
])('refuses %s', async (_, expiry, path) => {
  const id = await idle();
  for (const [to, body] of [
    ['pause', expiry],
    ['commands', { id: newId(), type: 'pause', ...expiry }],
  ] as const) {
    const answer = await product.call<Command>('POST', `/runs/${id}/${to}`, body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((error) => error.path)).toContain(path);
  }
  expect(await commands(id)).toEqual([]);
});
