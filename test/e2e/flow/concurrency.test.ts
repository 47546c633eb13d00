import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { holding, isAdmitted, isWaiting, letGo, mostAtOnce, typesOf, type FlowRun } from './support.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

/** One run that has the only slot, and one that waits for it. */
async function pair(name: string, nodes?: object) {
  const document = holding(name, { concurrency: { limit: 1 } });
  await product.publish(name, nodes ? { ...document, nodes } : document);
  const holder = await product.start(name);
  const waiter = (await product.start(name)) as FlowRun;
  expect(waiter).toMatchObject({ state: 'queued', waiting_for: { concurrency: { key: name, limit: 1 } } });
  return { holder: holder.id, waiter: waiter.id };
}

const control = (id: string, type: string) =>
  product.call('POST', `/runs/${id}/${type}`, { reason: 'a test' });

test('a run beyond the limit waits, says for what, and starts when the one before it has ended', async () => {
  const { holder, waiter } = await pair('one-at-a-time');
  expect((await product.events(waiter)).map(({ type, data }) => ({ type, data }))[1]).toEqual({
    type: 'run.waiting',
    data: { concurrency: { key: 'one-at-a-time', limit: 1, ahead: 0 } },
  });
  expect(await product.run(holder)).toMatchObject({ waiting_for: null });
  expect((await letGo(product, holder)).state).toBe('completed');
  expect((await letGo(product, waiter)).state).toBe('completed');
  expect((await typesOf(product, waiter)).slice(0, 4)).toEqual([
    'run.queued',
    'run.waiting',
    'run.admitted',
    'run.started',
  ]);
  expect(await mostAtOnce(product.database.pool, 'one-at-a-time')).toBe(1);
});

test.each([
  ['completes', (id: string) => letGo(product, id), 'completed'],
  ['is cancelled', (id: string) => control(id, 'cancel'), 'cancelled'],
  ['is terminated', (id: string) => control(id, 'terminate'), 'terminated'],
])('the next one is let in when the one before it %s', async (how, end, state) => {
  const { holder, waiter } = await pair(`ends-${how.replace(' ', '-')}`);
  await product.until(holder, (run) => run.state === 'running');
  await end(holder);
  expect((await product.ended(holder)).state).toBe(state);
  await product.until(waiter, isAdmitted);
  await letGo(product, waiter);
});

test('the next one is let in when the one before it fails', async () => {
  const name = 'ends-failing';
  const failing = {
    w: { type: 'wait', config: { event: 'go' } },
    f: transform('${{ input.nothing }}', { needs: ['w'] }),
  };
  const { holder, waiter } = await pair(name, failing);
  expect((await letGo(product, holder)).state).toBe('failed');
  await product.until(waiter, isAdmitted);
  expect((await letGo(product, waiter)).state).toBe('failed');
});

test.each(['cancel', 'terminate'])(
  'a run that waits ends at once on %s, and never had an execution',
  async (type) => {
    const { holder, waiter } = await pair(`queued-${type}`);
    const third = await product.start(`queued-${type}`);
    expect((await control(waiter, type)).status).toBe(202);
    const state = type === 'cancel' ? 'cancelled' : 'terminated';
    expect(await product.ended(waiter)).toMatchObject({
      state,
      reason: 'a test',
      started_at: null,
      admitted_at: null,
    });
    expect((await typesOf(product, waiter)).slice(-3)).toEqual([
      'command.queued',
      'command.acknowledged',
      `run.${state}`,
    ]);
    const snapshot = await product.call<{ snapshot: object }>('GET', `/runs/${waiter}/snapshot`);
    expect(snapshot.body.snapshot).toMatchObject({ steps: [], outcome: { state } });
    expect((await control(waiter, 'cancel')).status).toBe(409);
    await letGo(product, holder);
    await letGo(product, third.id);
  },
);

test('a run that waits can be paused: it is passed over, keeps its place, and waits again when resumed', async () => {
  const { holder, waiter } = await pair('queued-pause');
  expect((await control(waiter, 'pause')).status).toBe(202);
  await product.until(waiter, (run) => run.state === 'paused');
  const younger = await product.start('queued-pause');
  await letGo(product, holder);
  await product.until(younger.id, isAdmitted);
  expect((await control(waiter, 'resume')).status).toBe(202);
  await product.until(waiter, (run) => run.state === 'queued');
  expect(isWaiting(await product.run(waiter))).toBe(true);
  await letGo(product, younger.id);
  expect((await letGo(product, waiter)).state).toBe('completed');
});

test('an event for a run that waits reaches it when it has started', async () => {
  const { holder, waiter } = await pair('queued-event');
  expect((await product.call('POST', `/runs/${waiter}/events/go`, { n: 1 })).status).toBe(202);
  await letGo(product, holder);
  expect(await product.ended(waiter)).toMatchObject({ state: 'completed' });
});

test('of those that wait the lower priority number goes first, then the older one', async () => {
  const name = 'by-priority';
  await product.publish(name, holding(name, { concurrency: { limit: 1 } }));
  const holder = await product.start(name);
  const ids: string[] = [];
  for (const priority of [5, 3, 1, 3]) ids.push((await product.start(name, {}, { priority })).id);
  await letGo(product, holder.id);
  for (const id of [2, 1, 3, 0].map((n) => ids[n]!)) {
    await product.until(id, isAdmitted);
    await letGo(product, id);
  }
  const { rows } = await product.database.pool.query<{ id: string }>(
    'SELECT id FROM run WHERE flow_key = $1 ORDER BY admitted_at',
    [name],
  );
  expect(rows.map(({ id }) => id)).toEqual([holder.id, ids[2], ids[1], ids[3], ids[0]]);
});

test('keys come from the input, and other keys do not wait', async () => {
  const name = 'by-customer';
  await product.publish(name, holding(name, { concurrency: { key: '${{ input.customer }}', limit: 1 } }));
  const ada = await product.start(name, { customer: 'ada' });
  const bob = (await product.start(name, { customer: 'bob' })) as FlowRun;
  const more = (await product.start(name, { customer: 'ada' })) as FlowRun;
  expect([isWaiting(bob), isWaiting(more)]).toEqual([false, true]);
  const refused = await product.call<{ code: string; errors: object[] }>('POST', '/runs', { workflow: name });
  expect(refused.status).toBe(422);
  expect(refused.body).toMatchObject({ code: 'expression_error', errors: [{ path: '/input' }] });
  for (const id of [ada.id, bob.id, more.id]) await letGo(product, id);
});

test('limits hold back runs of the live tag only', async () => {
  const name = 'live-only';
  const limited = holding(name, { concurrency: { limit: 1 } });
  const { version_hash } = await product.publish(name, limited);
  const first = await product.start(name);
  const by_hash = (await product.start(version_hash as string)) as FlowRun;
  expect(isWaiting(by_hash)).toBe(false);
  await product.publish(`${name}/production`, limited);
  const by_head = (await product.start(name)) as FlowRun;
  expect(isWaiting(by_head)).toBe(false);
  const live = (await product.start(`${name}/production`)) as FlowRun;
  expect(isWaiting(live)).toBe(true);
  for (const id of [first.id, by_hash.id, by_head.id, live.id]) await letGo(product, id);
});

test('a limit that rejects answers 409 with the key, and keeps no run', async () => {
  const name = 'rejecting';
  await product.publish(name, holding(name, { concurrency: { limit: 2, on_limit: 'reject' } }));
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      product.call<{ id: string; code: string }>('POST', '/runs', { workflow: name }),
    ),
  );
  const [accepted, refused] = [202, 409].map((status) =>
    answers.filter((answer) => answer.status === status),
  );
  expect([accepted?.length, refused?.length]).toEqual([2, 8]);
  expect(refused?.[0]?.body).toMatchObject({ code: 'limit_reached', key: name, limit: 2 });
  const { body } = await product.call<{ items: object[] }>('GET', `/runs?workflow=${name}`);
  expect(body.items).toHaveLength(2);
  for (const { body } of accepted ?? []) await letGo(product, body.id);
  await letGo(product, (await product.start(name)).id);
});

test('a limit that cancels the oldest makes room for the new one', async () => {
  const name = 'replacing';
  await product.publish(name, holding(name, { concurrency: { limit: 2, on_limit: 'cancel_oldest' } }));
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) ids.push((await product.start(name)).id);
  const [one, two, three, four] = ids as [string, string, string, string];
  expect(await product.ended(one)).toMatchObject({
    state: 'cancelled',
    reason: `Replaced by the run ${three}.`,
  });
  expect((await product.ended(two)).state).toBe('cancelled');
  for (const id of [three, four]) expect((await letGo(product, id)).state).toBe('completed');
  expect(await mostAtOnce(product.database.pool, name)).toBeLessThanOrEqual(2);
});

test('fifty starts at once: never more than three of them are in, and all complete', async () => {
  const name = 'fifty';
  await product.publish(
    name,
    definition(
      name,
      { a: transform('${{ input.n }}') },
      { concurrency: { key: 'k-${{ params.p }}', limit: 3 }, params: { p: 1 } },
    ),
  );
  const starts = Array.from({ length: 50 }, (_, n) => product.start(name, { n }));
  const ids = (await Promise.all(starts)).map(({ id }) => id);
  const ends = await Promise.all(ids.map((id) => product.ended(id, 60)));
  expect(ends.map(({ state, output }) => [state, output])).toEqual(
    ids.map((_, n) => ['completed', { a: n }]),
  );
  expect(await mostAtOnce(product.database.pool, 'k-1')).toBe(3);
}, 120_000);

test('operators see who holds a key and how many wait', async () => {
  const { holder, waiter } = await pair('watched');
  const read = async () => {
    const { body } = await product.call<{ items: { key: string }[] }>('GET', '/limits?limit=100');
    return body.items.find(({ key }) => key === 'watched');
  };
  expect(await read()).toEqual({
    kind: 'concurrency',
    key: 'watched',
    workflow: null,
    limit: 1,
    per_second: null,
    holders: 1,
    waiting: 1,
    waiting_since: (await product.run(waiter)).created_at,
  });
  await letGo(product, holder);
  await letGo(product, waiter);
  expect(await read()).toBeUndefined();
});
