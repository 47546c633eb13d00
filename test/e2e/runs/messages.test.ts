import type { JsonObject } from '../../../src/contract/json.ts';
import { apiClient, type ApiClient } from '../../support/api-client.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const token = (name: string, role: string) => ({ name, role, token: `token-of-${name}-${'x'.repeat(32)}` });
const lead = token('lead', 'maintainer');
const junior = token('junior', 'editor');

let product: Product;
let as: Record<'lead' | 'junior', ApiClient>;

beforeAll(async () => {
  product = await startProduct({ env: { ORCHESTRATOR_AUTH_TOKENS: JSON.stringify([lead, junior]) } });
  as = { lead: apiClient(product.url, lead.token), junior: apiClient(product.url, junior.token) };
});
afterAll(async () => {
  await stopSoundly(product);
});

const event = (name: string, config: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  type: 'wait',
  config: { event: name, ...config },
  ...more,
});
const approval = (config: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  type: 'approval',
  config: { prompt: 'Ship it?', ...config },
  ...more,
});

async function begin(name: string, nodes: Record<string, JsonObject>, input: JsonObject = {}) {
  await product.publish(name, definition(name, nodes));
  return (await product.start(name, input)).id;
}

async function untilWaiting(id: string, node: string) {
  for (let tries = 0; tries < 400; tries++) {
    const step = (await product.steps(id)).find((one) => one.node === node);
    if (step?.state === 'waiting') return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${node} does not wait`);
}

const send = (id: string, name: string, payload?: unknown) =>
  product.call<{ id: string; state: string }>('POST', `/runs/${id}/events/${name}`, payload);
const decide = (id: string, node: string, body: unknown) =>
  product.call<{ id: string; state: string; code: string }>('POST', `/runs/${id}/approvals/${node}`, body);
const commands = async (id: string) =>
  (
    await product.call<{ items: { id: string; type: string; state: string; reason: string | null }[] }>(
      'GET',
      `/runs/${id}/commands`,
    )
  ).body.items;

describe('an event', () => {
  test('ends the wait for its name, with its payload, and no other', async () => {
    const id = await begin('evented', {
      paid: event('paid'),
      shipped: event('shipped', { timeout_seconds: 30 }),
      sum: transform('${{ steps.paid.output.payload.amount * 2 }}', { needs: ['paid', 'shipped'] }),
    });
    await untilWaiting(id, 'paid');
    expect((await send(id, 'paid', { amount: 21 })).status).toBe(202);
    expect((await send(id, 'shipped')).status).toBe(202);
    expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { sum: 42 } });
    expect((await commands(id)).map(({ type, state }) => [type, state])).toEqual([
      ['event', 'acknowledged'],
      ['event', 'acknowledged'],
    ]);
  });

  test('that comes before its wait is kept, and each goes to one wait, in order', async () => {
    const id = await begin('early', {
      first: wait(1),
      a: event('tick', {}, { needs: ['first'] }),
      b: event('tick', {}, { needs: ['a'] }),
    });
    await untilWaiting(id, 'first');
    await send(id, 'tick', 1);
    await send(id, 'tick', 2);
    const steps = (await product.ended(id)) && (await product.steps(id));
    const payloads = steps.map(({ node, output }) => [node, (output as { payload: unknown }).payload]);
    expect(payloads).toEqual([
      ['first', null],
      ['a', 1],
      ['b', 2],
    ]);
  });

  test('that does not come in time fails the step, or lets it go on', async () => {
    const late = await begin('late', { e: event('never', { timeout_seconds: 0.2 }) });
    expect(await product.ended(late)).toMatchObject({
      state: 'failed',
      error: { code: 'timeout', step: 'e' },
    });
    const lax = await begin('lax', { e: event('never', { timeout_seconds: 0.2, on_timeout: 'continue' }) });
    expect(await product.ended(lax)).toMatchObject({ state: 'completed', output: { e: { payload: null } } });
  });

  test('reaches a paused run, which goes on after the resume', async () => {
    const id = await begin('held', { e: event('go'), t: transform('done', { needs: ['e'] }) });
    await untilWaiting(id, 'e');
    await product.call('POST', `/runs/${id}/pause`);
    await product.until(id, (run) => run.state === 'paused');
    await send(id, 'go');
    await product.until(id, (run) => run.progress.done === 1);
    expect((await product.run(id)).state).toBe('paused');
    await product.call('POST', `/runs/${id}/resume`);
    expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { t: 'done' } });
  });

  test('is refused for a run that has ended or is unknown, and when it is too large', async () => {
    const id = await begin('over', { t: transform(1) });
    await product.ended(id);
    expect(await send(id, 'x')).toMatchObject({ status: 409, body: { code: 'run_final' } });
    expect((await send('01900000-0000-7000-8000-000000000000', 'x')).status).toBe(404);
    const open = await begin('open', { e: event('x') });
    expect((await send(open, 'x', 'y'.repeat(40_000))).status).toBe(413);
    await send(open, 'x', 'y'.repeat(30_000));
    expect((await product.ended(open)).state).toBe('completed');
  });

  test('sent a hundred times at once reaches a run a hundred times', async () => {
    const nodes: Record<string, JsonObject> = {};
    for (let n = 0; n < 100; n++) nodes[`e${n}`] = event('tick', {}, n === 0 ? {} : { needs: [`e${n - 1}`] });
    const id = await begin('ticks', nodes);
    await Promise.all(Array.from({ length: 100 }, (_, n) => send(id, 'tick', n)));
    expect((await product.ended(id)).state).toBe('completed');
    const seen = Object.values(await product.steps(id)).map(
      ({ output }) => (output as { payload: number }).payload,
    );
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  }, 60_000);
});

describe('an approval', () => {
  test('waits for a decision, and gives it as its output', async () => {
    const id = await begin('approved', { ok: approval() });
    await untilWaiting(id, 'ok');
    const waiting = (await product.events(id)).find(({ type }) => type === 'step.waiting');
    expect(waiting?.data).toMatchObject({ node: 'ok', prompt: 'Ship it?', quorum: 1 });
    expect((await decide(id, 'ok', { decision: 'approve', comment: 'fine' })).status).toBe(202);
    const run = await product.ended(id);
    expect(run.state).toBe('completed');
    expect((run.output as { ok: JsonObject }).ok).toMatchObject({
      decision: 'approve',
      by: 'token:admin',
      comment: 'fine',
      form: null,
    });
  });

  test('that is rejected fails its step', async () => {
    const id = await begin('rejected', { ok: approval(), after: transform(1, { needs: ['ok'] }) });
    await untilWaiting(id, 'ok');
    await decide(id, 'ok', { decision: 'reject', comment: 'no' });
    expect(await product.ended(id)).toMatchObject({
      state: 'failed',
      error: { code: 'rejected', step: 'ok' },
    });
    const steps = await product.steps(id);
    expect(steps.find(({ node }) => node === 'ok')?.output).toMatchObject({
      decision: 'reject',
      comment: 'no',
    });
    expect(steps.find(({ node }) => node === 'after')?.state ?? 'skipped').toBe('skipped');
  });

  test('checks its form, whether it waits, and who decides', async () => {
    const form = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
    const id = await begin('formed', {
      ok: approval({ form }),
      own: approval({ forbid_self: true, timeout_seconds: 60 }),
      later: approval({}, { needs: ['ok'] }),
      t: transform(1),
    });
    await untilWaiting(id, 'ok');
    await untilWaiting(id, 'own');
    const wrong = await decide(id, 'ok', { decision: 'approve', form: { n: 'x' } });
    expect(wrong).toMatchObject({
      status: 422,
      body: { code: 'input_invalid', errors: [{ path: '/form/n' }] },
    });
    expect(await decide(id, 'own', { decision: 'approve' })).toMatchObject({ status: 403 });
    expect(await decide(id, 'later', { decision: 'approve' })).toMatchObject({ status: 409 });
    expect(await decide(id, 't', { decision: 'approve' })).toMatchObject({ status: 404 });
    expect(await decide(id, 'none', { decision: 'approve' })).toMatchObject({ status: 404 });
    expect(await decide(id, 'ok', { decision: 'maybe' })).toMatchObject({ status: 422 });
    await decide(id, 'ok', { decision: 'approve', form: { n: 1 } });
    await untilWaiting(id, 'later');
    await product.call('POST', `/runs/${id}/terminate`, { reason: 'enough seen' });
    expect((await product.ended(id)).state).toBe('terminated');
  });

  test('counts each approver once towards its quorum', async () => {
    const id = await begin('quorum', { ok: approval({ quorum: 2, timeout_seconds: 15 }) });
    await untilWaiting(id, 'ok');
    await decide(id, 'ok', { decision: 'approve' });
    await decide(id, 'ok', { decision: 'approve', comment: 'again' });
    expect(await product.ended(id)).toMatchObject({ state: 'failed', error: { code: 'rejected' } });
    const answers = (await commands(id)).map(({ state, reason }) => [state, reason]);
    expect(answers).toEqual([
      ['acknowledged', null],
      ['rejected', 'This approval was given before.'],
    ]);
  });

  test('takes as many different people as its quorum, and only of its roles', async () => {
    const id = await begin('two', { ok: approval({ quorum: 2, roles: ['maintainer'] }) });
    await untilWaiting(id, 'ok');
    const path = `/runs/${id}/approvals/ok`;
    expect((await as.junior.call('POST', path, { decision: 'approve' })).status).toBe(403);
    expect((await as.lead.call('POST', path, { decision: 'approve' })).status).toBe(202);
    // The owner of everything may always decide.
    expect((await decide(id, 'ok', { decision: 'approve' })).status).toBe(202);
    const { state, output } = await product.ended(id);
    expect(state).toBe('completed');
    const { approvals } = (output as { ok: { approvals: { by: string }[] } }).ok;
    expect(approvals.map(({ by }) => by).sort()).toEqual(['token:admin', 'token:lead']);
  });

  test('that nobody decides is what its definition says', async () => {
    const lenient = await begin('lenient', { ok: approval({ timeout_seconds: 0.2, on_timeout: 'approve' }) });
    expect(await product.ended(lenient)).toMatchObject({
      state: 'completed',
      output: { ok: { decision: 'approve', by: null } },
    });
  });

  test('decided by ten at once is decided once', async () => {
    const id = await begin('raced', { ok: approval() });
    await untilWaiting(id, 'ok');
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        decide(id, 'ok', { decision: n % 2 === 0 ? 'approve' : 'reject', comment: String(n) }),
      ),
    );
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    const run = await product.ended(id);
    expect(['completed', 'failed']).toContain(run.state);
    const decisions = (await product.events(id)).filter(({ type }) => type === 'step.decision');
    expect(decisions).toHaveLength(1);
    expect((await commands(id)).filter(({ state }) => state === 'acknowledged')).toHaveLength(1);
  });
});
