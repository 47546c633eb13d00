import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { experiment, externalApi, heartbeat } from './external-api.ts';

let product: Product;
let api: ReturnType<typeof externalApi>;

beforeAll(async () => {
  product = await startProduct({ worker: false, env: { ORCHESTRATOR_EXTERNAL_RUNS_METRIC_POINTS: '4' } });
  api = externalApi(product);
  await product.publish('trainer', experiment('trainer'));
});
afterAll(async () => {
  await stopSoundly(product);
});

const typesOf = async (id: string) => (await product.events(id)).map(({ type }) => type);
const latest = (id: string) =>
  product.call<Record<string, unknown>>('GET', `/runs/${id}/heartbeat`).then(({ body }) => body);

test('the first heartbeat makes a queued run running; later ones leave no events', async () => {
  const id = await api.open('trainer');
  expect(await product.run(id)).toMatchObject({
    state: 'queued',
    executor: 'external',
    runtime_status: null,
    temporal_workflow_id: null,
  });
  const first = await api.beat(id, { metrics: { accuracy: 0.5 } });
  expect([first.status, first.body]).toMatchObject([
    200,
    { beats: 1, step: 1, loss: 0.5, metrics: { accuracy: 0.5 } },
  ]);
  const run = await product.run(id);
  expect(run).toMatchObject({ state: 'running', runtime_status: 'running', health: 'healthy' });
  expect(run.started_at).toEqual(expect.any(String));
  await api.age(id, 5);
  expect((await api.beat(id, { step: 2, loss: null })).status).toBe(200);
  expect(await latest(id)).toMatchObject({ beats: 2, step: 2, loss: null, metrics: null });
  expect(await typesOf(id)).toEqual(['run.queued', 'run.started', 'run.runtime_status_changed']);
});

describe('a heartbeat is refused', () => {
  let id: string;
  beforeAll(async () => {
    id = await api.open('trainer');
    await api.beat(id, { step: 5, checkpoint_version: 3 });
  });
  const raw = (body: string, type = 'application/json') =>
    fetch(`${product.url}/api/v1/runs/${id}/heartbeat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${product.token}`, 'content-type': type },
      body,
    });

  test('415 unless it is JSON', async () => {
    expect((await raw('step=1', 'text/plain')).status).toBe(415);
  });

  test('413 above 32 KiB, and not below', async () => {
    const sized = (bytes: number) => {
      const bare = JSON.stringify(heartbeat(id, { metrics: { text: '' }, step: 5, checkpoint_version: 3 }));
      return bare.replace('"text":""', `"text":"${'x'.repeat(bytes - bare.length)}"`);
    };
    expect((await raw(sized(32_769))).status).toBe(413);
    // The next rule it meets is that it comes too soon.
    expect((await raw(sized(32_768))).status).toBe(429);
  });

  test.each(['run_id', 'status', 'step', 'samples_per_sec', 'loss', 'checkpoint_version'])(
    '422 without %s',
    async (member) => {
      const body: Record<string, unknown> = heartbeat(id);
      delete body[member];
      const answer = await raw(JSON.stringify(body));
      expect([answer.status, await answer.json()]).toMatchObject([422, { errors: [{ path: `/${member}` }] }]);
    },
  );

  test('422 for another run than the one in the address, 400 for a member it does not know', async () => {
    expect(await api.beat(id, { run_id: '01900000-0000-7000-8000-000000000000' })).toMatchObject({
      status: 422,
      body: { errors: [{ path: '/run_id' }] },
    });
    expect((await api.beat(id, { unknown: 1 })).status).toBe(400);
    expect((await api.beat(id, { status: 'sleeping' })).status).toBe(422);
  });

  test('409 when step or checkpoint_version goes back, whatever the time', async () => {
    const ahead = { step: 5, checkpoint_version: 3 };
    expect(await api.beat(id, { ...ahead, step: 4 })).toMatchObject({
      status: 409,
      body: { code: 'state_conflict' },
    });
    await api.age(id, 60);
    for (const back of [{ step: 4 }, { checkpoint_version: 2 }])
      expect((await api.beat(id, { ...ahead, ...back })).status).toBe(409);
    expect(await latest(id)).toMatchObject({ beats: 1, ...ahead });
  });

  test('429 with Retry-After more often than every 5 s; a refused one does not start the clock', async () => {
    const own = await api.open('trainer');
    await api.beat(own);
    const soon = await api.beat(own);
    expect(soon).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(['4', '5']).toContain(soon.headers.get('retry-after'));
    await api.age(own, 4.9);
    expect((await api.beat(own, { step: 0 })).status).toBe(409);
    await api.age(own, 0.1);
    expect((await api.beat(own)).status).toBe(200);
  });

  test('404 for a run that is not there, 409 for one of Temporal and for one that has ended', async () => {
    expect((await api.beat('01900000-0000-7000-8000-000000000000')).status).toBe(404);
    const { id: dag } = await product.start('trainer');
    expect(await api.beat(dag)).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
    const over = await api.open('trainer');
    await product.call('POST', `/runs/${over}/cancel`);
    expect(await api.beat(over)).toMatchObject({ status: 409, body: { code: 'run_final' } });
  });
});

test('of heartbeats that come at once one is taken, and the first one starts the run once', async () => {
  const id = await api.open('trainer');
  const answers = await Promise.all(Array.from({ length: 10 }, (_, step) => api.beat(id, { step })));
  // Those with a lower step than the one that won go back, the others come too soon.
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.every((status) => [200, 409, 429].includes(status))).toBe(true);
  expect((await latest(id)).beats).toBe(1);
  expect((await typesOf(id)).filter((type) => type === 'run.started')).toHaveLength(1);
});

test('a heartbeat that contradicts the state changes only the runtime status', async () => {
  const id = await api.open('trainer');
  await api.beat(id);
  for (const status of ['paused', 'terminating', 'errored', 'running']) {
    await api.age(id, 5);
    expect((await api.beat(id, { status })).status).toBe(200);
    expect(await product.run(id)).toMatchObject({ state: 'running', runtime_status: status });
  }
});

test('the series of a run never has more points than it may, and spans all of its life', async () => {
  const id = await api.open('trainer');
  const kept: number[][] = [];
  for (let beat = 1; beat <= 17; beat++) {
    if (beat > 1) await api.age(id, 5);
    await api.beat(id, { step: beat, loss: 1 / beat });
    const { body } = await product.call<{ items: { beat: number; loss: number }[] }>(
      'GET',
      `/runs/${id}/metrics`,
    );
    for (const point of body.items) expect(point.loss).toBe(1 / point.beat);
    kept.push(body.items.map((point) => point.beat));
  }
  expect(kept[3]).toEqual([1, 2, 3, 4]);
  expect(kept[4]).toEqual([2, 4]);
  expect(kept[7]).toEqual([2, 4, 6, 8]);
  expect(kept[8]).toEqual([4, 8]);
  expect(kept[15]).toEqual([4, 8, 12, 16]);
  expect(kept[16]).toEqual([8, 16]);
  expect(await latest(id)).toMatchObject({ beats: 17, step: 17 });
  const page = await product.call<{ items: { beat: number }[]; next_cursor: string }>(
    'GET',
    `/runs/${id}/metrics?limit=1`,
  );
  const rest = await product.call<{ items: { beat: number }[] }>(
    'GET',
    `/runs/${id}/metrics?cursor=${page.body.next_cursor}`,
  );
  expect([...page.body.items, ...rest.body.items].map(({ beat }) => beat)).toEqual([8, 16]);
});
