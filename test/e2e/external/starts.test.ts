import type { JsonObject } from '../../../src/contract/json.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { experiment, externalApi } from './external-api.ts';

let product: Product;
let api: ReturnType<typeof externalApi>;
const versions: Record<string, { version_hash: string; artifact_id: string }> = {};

beforeAll(async () => {
  product = await startProduct({ worker: false });
  api = externalApi(product);
  for (const [tag, rate] of [
    ['exp/v1', 0.1],
    ['exp', 0.2],
    ['other', 0.3],
  ] as const) {
    const definition = experiment(tag.split('/')[0]!, { params: { learning_rate: rate } });
    if (tag === 'exp/v1') await product.publish('exp', definition);
    const saved =
      tag === 'exp/v1'
        ? await product
            .call<Record<string, unknown>>('PUT', '/tags/exp%2Fv1', { target: 'exp' })
            .then(
              async () => (await product.call<Record<string, unknown>>('GET', '/workflows/exp%2Fv1')).body,
            )
        : await product.publish(tag, definition);
    versions[tag] = saved as (typeof versions)[string];
  }
});
afterAll(async () => {
  await stopSoundly(product);
});

const start = (body: JsonObject) =>
  product.call<Record<string, unknown> & { id: string; code: string; errors: { path: string }[] }>(
    'POST',
    '/runs',
    body,
  );

async function manifestOf(run: Record<string, unknown>): Promise<JsonObject> {
  const { body } = await product.call<{ cas_id: string }>('GET', `/artifacts/${String(run.manifest_id)}`);
  return (await product.call<JsonObject>('GET', `/blobs/${body.cas_id}`)).body;
}

describe('a version of an experiment', () => {
  const of = (version_id?: string, more: JsonObject = {}) =>
    start({ experiment_id: 'exp', ...(version_id ? { version_id } : {}), executor: 'external', ...more });

  test('may be a tag, a tag below the name, a hash or an artifact: the run is pinned to it', async () => {
    const { version_hash, artifact_id } = versions['exp/v1']!;
    for (const version_id of ['exp/v1', 'v1', version_hash, artifact_id]) {
      const { status, body } = await of(version_id);
      expect([version_id, status, body]).toMatchObject([
        version_id,
        202,
        {
          version_hash,
          workflow: 'exp',
          experiment_id: 'exp',
          version_id,
          state: 'queued',
          executor: 'external',
        },
      ]);
    }
  });

  test('may be any label of the runtime: the run is pinned to the head, and keeps the label', async () => {
    // The names of other workflows are labels here.
    for (const version_id of [
      '2024-05-ckpt 17',
      'release',
      'other',
      '01900000-0000-7000-8000-000000000000',
    ]) {
      const { status, body } = await of(version_id);
      expect([version_id, status, body]).toMatchObject([
        version_id,
        202,
        { version_hash: versions['exp']!.version_hash, version_id },
      ]);
      expect(await manifestOf(body)).toMatchObject({
        executor: 'external',
        experiment: { experiment_id: 'exp', version_id },
        resolved: { workflow: 'exp' },
      });
    }
  });

  test('that is a hash nobody knows is 404, as is an unknown experiment', async () => {
    expect((await of(`sha256:${'0'.repeat(64)}`)).status).toBe(404);
    expect((await start({ experiment_id: 'nobody', executor: 'external' })).status).toBe(404);
  });

  test('can be run on Temporal as well', async () => {
    const { status, body } = await start({
      experiment_id: 'exp',
      version_id: 'v1',
      overrides: { learning_rate: 1 },
    });
    expect([status, body]).toMatchObject([
      202,
      { executor: 'temporal', version_hash: versions['exp/v1']!.version_hash, params: { learning_rate: 1 } },
    ]);
  });
});

test.each<[JsonObject, string]>([
  [{ version_id: 'v1' }, '/experiment_id'],
  [{ experiment_id: 'exp', workflow: 'exp' }, '/experiment_id'],
  [{ executor: 'external' }, '/workflow'],
])('%j is refused', async (body, path) => {
  expect(await start(body)).toMatchObject({ status: 422, body: { errors: [{ path }] } });
});

test('overrides are laid over the params, checked, and kept in the manifest', async () => {
  const good = await start({
    workflow: 'exp',
    executor: 'external',
    params: { depth: 3 },
    overrides: { learning_rate: 0.9 },
  });
  expect([good.status, good.body]).toMatchObject([202, { params: { depth: 3, learning_rate: 0.9 } }]);
  expect(await manifestOf(good.body)).toMatchObject({
    params: { depth: 3, learning_rate: 0.9 },
    overrides: { learning_rate: 0.9 },
  });
  const bad = await start({
    workflow: 'exp',
    executor: 'external',
    overrides: { learning_rate: 9, deep: [] },
  });
  expect([bad.status, bad.body.code, bad.body.errors.map(({ path }) => path)]).toEqual([
    422,
    'input_invalid',
    ['/overrides/learning_rate', '/overrides/deep'],
  ]);
  await product.publish(
    'strict',
    experiment('strict', {
      params_schema: { additionalProperties: false, properties: { learning_rate: {} } },
    }),
  );
  const strict = await start({ workflow: 'strict', executor: 'external', overrides: { other: 1 } });
  expect([strict.status, strict.body.errors]).toMatchObject([422, [{ path: '/overrides/other' }]]);
});

describe('a runtime says how its run ended', () => {
  const complete = (id: string, body: JsonObject) =>
    product.call<Record<string, unknown>>('POST', `/runs/${id}/complete`, body);

  test.each<[string, JsonObject, JsonObject]>([
    ['completed', { output: { loss: 0.1 } }, { output: { loss: 0.1 }, error: null }],
    [
      'failed',
      { error: { code: 'nan', message: 'The loss is NaN.' } },
      { error: { code: 'nan', message: 'The loss is NaN.' } },
    ],
    ['errored', {}, { error: { code: 'errored', message: 'The runtime did not say why.' } }],
  ])('%s, once; the same again is answered alike, another end refused', async (state, more, seen) => {
    const id = await api.open('exp');
    await api.beat(id);
    await api.issue(id, 'open', 'pause');
    const first = await complete(id, { state, ...more });
    expect([first.status, first.body]).toMatchObject([200, { state, ...seen }]);
    expect(first.body.ended_at).not.toBeNull();
    expect((await complete(id, { state, ...more })).body).toEqual(first.body);
    expect((await complete(id, { state, output: 'another' })).status).toBe(409);
    expect((await complete(id, { state: state === 'failed' ? 'completed' : 'failed' })).status).toBe(409);
    expect(await api.commands(id)).toMatchObject([{ state: 'rejected', reason: 'The run has ended.' }]);
    const { body } = await product.call<{ snapshot: JsonObject }>('GET', `/runs/${id}/snapshot`);
    expect(body.snapshot).toMatchObject({
      outcome: { state },
    });
  });

  test('with a large output, which is kept as a blob', async () => {
    const id = await api.open('exp');
    const output = 'x'.repeat(100_000);
    const { body } = await complete(id, { state: 'completed', output });
    expect(body.output).toBeNull();
    expect(body.output_ref).toMatch(/^sha256:/);
    expect((await product.call('GET', `/blobs/${String(body.output_ref)}`)).body).toBe(output);
    expect((await complete(id, { state: 'completed', output })).status).toBe(200);
  });

  test('but not of a run of Temporal, nor with an error of a success', async () => {
    const { id } = await product.start('exp');
    expect((await complete(id, { state: 'completed' })).status).toBe(409);
    expect((await complete(id, { state: 'completed', error: { code: 'x', message: 'x' } })).status).toBe(400);
    expect((await complete(id, { state: 'cancelled' })).status).toBe(422);
  });

  test('ten times at once, against a terminate: one end, everywhere the same', async () => {
    for (let round = 0; round < 5; round++) {
      const id = await api.open('exp');
      await api.beat(id);
      await api.issue(id, 't', 'terminate', { reason: 'race' });
      await api.next(id);
      const ends = Array.from({ length: 10 }, (_, n) =>
        n === 5 ? api.ack(id, 't') : complete(id, { state: 'completed', output: 1 }),
      );
      const statuses = (await Promise.all(ends)).map(({ status }) => status);
      expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
      expect(['completed', 'terminated']).toContain((await product.run(id)).state);
    }
  });
});
