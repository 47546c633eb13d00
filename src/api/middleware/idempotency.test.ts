import { z } from 'zod';
import { testDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { AppError } from '../../contract/errors.ts';
import { idempotencyService } from '../../domain/idempotency.ts';
import { sealedBox } from '../../domain/sealed-box.ts';
import { openDatabase, type Database } from '../../persistence/db.ts';
import { idempotencyRepository } from '../../persistence/idempotency.ts';
import { listeningApi, OTHER_PROJECT_ID, type TestApi } from '../app-fixture.ts';
import { route, STREAMED } from '../route.ts';

let test_db: TestDatabase;
let database: Database;
let api: TestApi;
let runs = 0;
let ids = 0;
const statements: string[] = [];
const failNext: Error[] = [];

const orders = route({
  method: 'post',
  path: '/orders',
  group: 'orders',
  summary: 'Order.',
  body: z.object({ item: z.string().optional() }),
  responses: { 201: { description: 'Ordered.' } },
  handler: async ({ body }) => {
    runs += 1;
    await new Promise((resolve) => setTimeout(resolve, 30));
    const failure = failNext.shift();
    if (failure) throw failure;
    return {
      status: 201,
      body: { number: runs, ...body },
      headers: { ETag: `"${runs}"`, Location: `/orders/${runs}` },
    };
  },
});

const upload = route({
  method: 'put',
  path: '/files',
  group: 'orders',
  summary: 'Upload.',
  raw_body: true,
  responses: { 200: { description: 'Stored.' } },
  handler: async ({ req }) => {
    runs += 1;
    let size = 0;
    for await (const chunk of req as AsyncIterable<Buffer>) size += chunk.length;
    return { status: 200, body: { size } };
  },
});

const stream = route({
  method: 'post',
  path: '/streams',
  group: 'orders',
  summary: 'Stream.',
  responses: { 200: { description: 'A stream.' } },
  handler: ({ res }) => {
    runs += 1;
    res.end('streamed');
    return Promise.resolve(STREAMED);
  },
});

beforeAll(async () => {
  test_db = await testDatabase();
  database = openDatabase({
    url: test_db.url,
    max_connections: 10,
    onStatement: (sql) => statements.push(sql),
  });
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [
    OTHER_PROJECT_ID,
  ]);
  const idempotency = idempotencyService({
    keys: idempotencyRepository(database.db),
    newId: () => `id-${++ids}`,
    box: sealedBox(['a-secret-of-thirty-two-characters'], 'idempotency'),
  });
  api = await listeningApi([orders, upload, stream], { idempotency });
});
afterAll(async () => {
  await api.close();
  await database.close();
  await test_db.drop();
});
beforeEach(() => {
  runs = 0;
  statements.length = 0;
});

const order = (key: string, body: unknown = {}, path = '/api/v1/orders') =>
  api.call('POST', path, { body, headers: { 'idempotency-key': key } });

describe('a request with an idempotency key', () => {
  it('is run once, and answered again with status, body, ETag and Location', async () => {
    const first = await order('a', { item: 'x' });
    const second = await order('a', { item: 'x' });
    expect([first.headers.get('idempotent-replayed'), second.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect([second.status, second.text]).toEqual([first.status, first.text]);
    for (const name of ['etag', 'location', 'content-type'])
      expect(second.headers.get(name)).toBe(first.headers.get(name));
    expect(runs).toBe(1);
    expect(statements).toHaveLength(3);
  });

  it('is the same request under both prefixes', async () => {
    await order('b');
    expect((await order('b', {}, '/api/orders')).headers.get('idempotent-replayed')).toBe('true');
  });

  it('with another body or query is 422, in another project another request', async () => {
    await order('c', { item: 'x' });
    expect((await order('c', { item: 'y' })).json().code).toBe('idempotency_mismatch');
    const elsewhere = await order('c', { item: 'x' }, `/api/v1/orders?project_id=${OTHER_PROJECT_ID}`);
    expect([elsewhere.status, elsewhere.headers.get('idempotent-replayed')]).toEqual([201, null]);
  });

  it('by fifty callers at once runs once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => order('d')));
    expect(runs).toBe(1);
    const statuses = new Set(answers.map((answer) => answer.status));
    expect([...statuses].sort()).toEqual([201, 409]);
    expect(
      answers.filter((a) => a.status === 409).every((a) => a.json().code === 'idempotency_in_flight'),
    ).toBe(true);
    expect((await order('d')).headers.get('idempotent-replayed')).toBe('true');
    expect(runs).toBe(1);
  });

  it('that was refused by its handler gets the refusal again', async () => {
    failNext.push(new AppError('state_conflict', { detail: 'Closed.' }));
    const first = await order('e');
    const second = await order('e');
    expect([second.status, second.text]).toEqual([409, first.text]);
    expect(second.headers.get('content-type')).toBe('application/problem+json');
    expect(runs).toBe(1);
  });

  it.each([new Error('defect'), new AppError('database_unavailable'), new AppError('rate_limited')])(
    'that failed for now (%s) may be tried again',
    async (failure) => {
      failNext.push(failure);
      expect((await order('f')).status).toBeGreaterThanOrEqual(429);
      expect((await order('f')).status).toBe(201);
      await database.pool.query("DELETE FROM idempotency_key WHERE key = 'f'");
    },
  );

  it('that is not valid leaves the key free', async () => {
    expect((await order('g', { colour: 1 })).status).toBe(400);
    expect(statements).toHaveLength(0);
    expect((await order('g')).status).toBe(201);
  });

  it('may carry a key of 255 characters', async () => {
    expect((await order('k'.repeat(255))).status).toBe(201);
  });

  it('whose answer is streamed is not remembered', async () => {
    const call = () => api.call('POST', '/api/v1/streams', { headers: { 'idempotency-key': 'h' } });
    expect([(await call()).text, (await call()).text]).toEqual(['streamed', 'streamed']);
    expect(runs).toBe(2);
  });
});

describe('a streamed upload with an idempotency key', () => {
  const put = (body: string, headers: Record<string, string> = {}) =>
    api.call('PUT', '/api/v1/files', {
      body,
      headers: { 'content-type': 'text/plain', 'idempotency-key': 'up', ...headers },
    });

  it('is recognised by type, length and Content-Digest', async () => {
    expect((await put('hello')).json()).toEqual({ size: 5 });
    expect((await put('hello')).headers.get('idempotent-replayed')).toBe('true');
    expect((await put('hello!')).json().code).toBe('idempotency_mismatch');
    expect((await put('hello', { 'content-digest': 'sha-256=:x:' })).json().code).toBe(
      'idempotency_mismatch',
    );
    expect(runs).toBe(1);
  });
});

describe('a request without a key', () => {
  it('costs no statement', async () => {
    expect((await api.call('POST', '/api/v1/orders', { body: {} })).status).toBe(201);
    expect(statements).toHaveLength(0);
  });
});
