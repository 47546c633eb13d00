import { bulkPreview, bulkView } from '../../../src/api/schemas/bulk.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

interface Bulk {
  id: string;
  state: string;
  matched: number;
  pending: number;
  accepted: number;
  rejected_count: number;
  rejected: { run_id: string; code: string }[];
  next_cursor: string | null;
  code: string;
  errors: { path: string }[];
}

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await stopSoundly(product);
});

const bulk = (body: object) => product.call<Bulk>('POST', '/runs/bulk', body);
const completed = async (id: string): Promise<Bulk> => {
  for (;;) {
    const { body } = await product.call<Bulk>('GET', `/bulk/${id}`);
    if (body.state === 'completed') return body;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

async function waiting(name: string, count: number, labels: Record<string, string> = {}): Promise<string[]> {
  await product.publish(name, definition(name, { w: wait(600), t: transform(1, { needs: ['w'] }) }));
  const runs = await Promise.all(Array.from({ length: count }, () => product.start(name, {}, { labels })));
  for (const { id } of runs) await product.until(id, (run) => run.state === 'running');
  return runs.map(({ id }) => id);
}

it('pauses, resumes and terminates every run that a filter matches, and no other', async () => {
  const ids = await waiting('many', 25, { team: 'red' });
  const [other] = await waiting('other', 1, { team: 'blue' });
  const filter = { workflow: 'many', label: 'team:red' };
  const paused = await bulk({ filter, command: { type: 'pause' } });
  expect(paused.status).toBe(202);
  expect(paused.headers.get('location')).toBe(`/api/v1/bulk/${paused.body.id}`);
  expect(bulkView.safeParse(paused.body).error).toBeUndefined();
  expect(await completed(paused.body.id)).toMatchObject({ matched: 25, accepted: 25, rejected_count: 0 });
  for (const id of ids) await product.until(id, (run) => run.state === 'paused');
  const resumed = await bulk({ filter: { ...filter, status: 'paused' }, command: { type: 'resume' } });
  expect(await completed(resumed.body.id)).toMatchObject({ accepted: 25 });
  for (const id of ids) await product.until(id, (run) => run.state === 'running');
  const reason = 'all of them';
  const ended = await bulk({ filter, command: { type: 'terminate', payload: { reason } } });
  expect(await completed(ended.body.id)).toMatchObject({ accepted: 25 });
  for (const id of ids) expect(await product.ended(id)).toMatchObject({ state: 'terminated', reason });
  expect((await product.run(other!)).state).toBe('running');
  await product.call('POST', `/runs/${other}/cancel`);
  await product.ended(other!);
});

it('says which runs did not take it and why, page by page', async () => {
  const [going, ...done] = await waiting('mixed', 6);
  for (const id of done) await product.call('POST', `/runs/${id}/cancel`);
  for (const id of done) await product.ended(id);
  const filter = { workflow: 'mixed', status: ['running', 'cancelled'] };
  const order = { filter, command: { type: 'cancel' } };
  const look = await bulk({ ...order, dry_run: true });
  expect(look.status).toBe(200);
  expect(bulkPreview.safeParse(look.body).error).toBeUndefined();
  expect(look.body).toMatchObject({ dry_run: true, matched: 6, accepted: 1 });
  expect(look.body.rejected.map(({ code }) => code)).toEqual(Array(5).fill('run_final'));
  expect((await product.run(going!)).state).toBe('running');
  const { id } = (await bulk(order)).body;
  expect(await completed(id)).toMatchObject({ matched: 6, accepted: 1, rejected_count: 5 });
  const found: string[] = [];
  let cursor = '';
  do {
    const { body } = await product.call<Bulk>('GET', `/bulk/${id}?limit=2${cursor}`);
    expect(body.rejected.length).toBeLessThanOrEqual(2);
    found.push(...body.rejected.map((one) => `${one.run_id} ${one.code}`));
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
  } while (cursor !== '');
  expect(found.sort()).toEqual(done.map((run_id) => `${run_id} run_final`).sort());
  expect((await product.ended(going!)).state).toBe('cancelled');
});

it('tunes each run within the bounds of its own definition', async () => {
  const bounds = { type: 'object', properties: { rate: { type: 'number', maximum: 1 } } };
  for (const [name, params_schema] of [
    ['tight', bounds],
    ['loose', { type: 'object' }],
  ] as const) {
    const nodes = { w: wait(600) };
    await product.publish(name, definition(name, nodes, { params: { rate: 0.5 }, params_schema }));
  }
  const [tight, loose] = [
    await product.start('tight', {}, { labels: { tuned: 'yes' } }),
    await product.start('loose', {}, { labels: { tuned: 'yes' } }),
  ];
  for (const { id } of [tight, loose]) await product.until(id, (run) => run.state === 'running');
  const command = { type: 'tune', payload: { params: { rate: 2 } } };
  const { id } = (await bulk({ filter: { label: 'tuned:yes' }, command })).body;
  expect(await completed(id)).toMatchObject({
    accepted: 1,
    rejected: [{ run_id: tight.id, code: 'input_invalid' }],
  });
  const ended = await bulk({ filter: { label: 'tuned:yes' }, command: { type: 'cancel' } });
  await completed(ended.body.id);
  for (const run of [tight, loose]) await product.ended(run.id);
});

it('with a filter that nothing matches is complete at once', async () => {
  const { body } = await bulk({ filter: { workflow: 'nobody' }, command: { type: 'cancel' } });
  expect(await completed(body.id)).toMatchObject({ matched: 0, accepted: 0, rejected_count: 0 });
});

it.each<[string, object, string, string]>([
  [
    'an unknown filter',
    { filter: { colour: 'red' }, command: { type: 'cancel' } },
    '400 malformed_request',
    '/filter/colour',
  ],
  ['no filter', { command: { type: 'cancel' } }, '422 validation_failed', '/filter'],
  [
    'an unknown state',
    { filter: { status: 'runing' }, command: { type: 'cancel' } },
    '422 validation_failed',
    '/filter/status',
  ],
  [
    'a label without a key',
    { filter: { label: 'red' }, command: { type: 'cancel' } },
    '422 validation_failed',
    '/filter/label',
  ],
  [
    'a terminate without a reason',
    { filter: {}, command: { type: 'terminate' } },
    '422 validation_failed',
    '/command/payload/reason',
  ],
  ['an event', { filter: {}, command: { type: 'event' } }, '422 validation_failed', '/command/type'],
  [
    'two expiries',
    { filter: {}, command: { type: 'cancel', expires_in_seconds: 5, expires_at: '2999-01-01T00:00:00Z' } },
    '422 validation_failed',
    '/command/expires_in_seconds',
  ],
])('refuses %s', async (_, body, refusal, path) => {
  const answer = await bulk(body);
  expect(`${answer.status} ${answer.body.code}`).toBe(refusal);
  expect(answer.body.errors.map((error) => error.path)).toContain(path);
});

it('is not found by another id', async () => {
  const answer = await product.call('GET', '/bulk/00000000-0000-7000-8000-000000000000');
  expect(answer.status).toBe(404);
});
