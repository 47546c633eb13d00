import { type AuditNote, INSTALLATION_SCOPE } from '../../contract/audit.ts';
import { AppError } from '../../contract/errors.ts';
import type { KeyedRequest } from '../../domain/idempotency.ts';
import { contentHash } from '../../domain/rules/content-hash.ts';
import { listeningApi, OTHER_PROJECT_ID, OWNER, PROJECT_ID, type TestApi, TOKEN } from '../app-fixture.ts';
import { exampleRoutes } from '../app-fixture-routes.ts';
import { route, STREAMED, WRITES, type Route } from '../route.ts';
import { routeTable } from '../routes/table.ts';
import { actedAs } from './audit.ts';
import { bearerAuthentication } from './bearer.ts';

const NO_PROJECT_ID = '00000000-0000-7000-8000-00000000dead';
const notes: AuditNote[] = [];
let append: (note: AuditNote) => Promise<void>;
const audit = { append: (note: AuditNote) => append(note) };
beforeEach(() => {
  notes.length = 0;
  append = (note) => Promise.resolve(void notes.push(note));
});

const nothing: unknown = new Proxy(() => nothing, {
  get: () => nothing,
  apply: () => {
    throw new Error('reached');
  },
});
const rows = routeTable({
  services: nothing as never,
  ids: () => '',
  version: '0',
  checks: {},
  capabilities: nothing as never,
  shutdown: new AbortController().signal,
}).filter((row) => WRITES.has(row.method));
const nameOf = ({ method, path }: Route) => `${method} ${path}`;

test('these writes, and no others, are signs of life, questions for work, and questions in the form of a write', () => {
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.filter(({ audited }) => audited === false).map(nameOf)).toEqual([
    'post /runs/:id/heartbeat',
    'post /agent-tasks/next',
    'post /agent-tasks/:id/heartbeat',
    'post /codec/decode',
    'post /codec/encode',
  ]);
});

describe('of every other write of the product', () => {
  const audited = rows.filter((row) => row.audited !== false && !row.public);
  const viewer = {
    token: 'viewer'.padEnd(32, '-'),
    principal: { id: 'token:viewer', role: 'viewer' } as const,
  };
  let api: TestApi;
  beforeAll(async () => {
    const authenticate = bearerAuthentication([{ token: TOKEN, principal: OWNER }, viewer]);
    api = await listeningApi(rows, { audit, authenticate, verify_replies: false });
  });
  afterAll(() => api.close());

  const ask = (row: Route, headers: Record<string, string> = {}) => {
    const named = row.project_in_path ? row.path.replace(':id', PROJECT_ID) : row.path;
    const path = named.replaceAll(/:\w+/g, 'x');
    const target = { method: row.method.toUpperCase(), path };
    return api
      .call(target.method, `/api/v1${path}`, { headers })
      .then(({ status }) => ({ ...target, status }));
  };

  test.each(audited.map((row) => ({ name: nameOf(row), row })))(
    '$name: one entry for each request',
    async ({ row }) => {
      const { path, status, method } = await ask(row);
      const scope = row.installation ? INSTALLATION_SCOPE : PROJECT_ID;
      const action = `${method} ${row.path.replaceAll(/:(\w+)/g, '{$1}')}`;
      const known = { principal: OWNER.id, action, target: path, scope };
      expect(notes).toMatchObject([{ ...known, status, address: '127.0.0.1', replayed: false }]);
      const refused = await ask(row, { authorization: `Bearer ${viewer.token}` });
      expect(notes.slice(1)).toMatchObject([{ ...known, principal: 'token:viewer', status: refused.status }]);
    },
  );
});

describe('of what can become of a request', () => {
  let api: TestApi;
  let held: Promise<void> = Promise.resolve();
  const seen = new Set<string>();
  const open = { group: 'things', summary: 'A route.', responses: { 200: { description: 'Done.' } } };
  const routes = [
    ...exampleRoutes,
    route({
      ...open,
      method: 'post',
      path: '/stream',
      handler: ({ res }) => Promise.resolve((res.end('x'), STREAMED)),
    }),
    route({
      ...open,
      method: 'put',
      path: '/secret',
      secret_body: true,
      whole_body: true,
      handler: () => Promise.resolve({ status: 200 }),
    }),
    route({
      ...open,
      method: 'post',
      path: '/late',
      handler: () => Promise.reject(new AppError('rate_limited')),
    }),
    route({
      ...open,
      method: 'post',
      path: '/away',
      handler: () => Promise.reject(new AppError('temporal_unavailable')),
    }),
    route({ ...open, method: 'post', path: '/broken', handler: () => Promise.reject(new Error('a defect')) }),
    route({
      ...open,
      method: 'post',
      path: '/open/:how',
      public: true,
      role: 'viewer',
      handler({ params, res }) {
        const { how } = params as unknown as { how: string };
        if (how === 'refused') throw new AppError('not_found');
        if (how === 'known') actedAs(res, { principal: 'user:found', project_id: OTHER_PROJECT_ID });
        return Promise.resolve({ status: 200 });
      },
    }),
  ];
  const idempotency = {
    sweep: () => Promise.resolve(0),
    begin: ({ key }: KeyedRequest) => {
      const complete = () => Promise.resolve(void seen.add(key));
      if (!seen.has(key)) return Promise.resolve({ held: { complete, release: () => Promise.resolve() } });
      return Promise.resolve({ replay: { status: 201, headers: {}, body: Buffer.from('first') } });
    },
  };
  beforeAll(async () => {
    api = await listeningApi(routes, { audit, idempotency });
  });
  afterAll(() => api.close());
  const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
    api.call('POST', `/api/v1${path}`, { body, headers });

  test('done: who, what, when and from where, and a digest of the body', async () => {
    const text = '{"name":"a"}';
    const long = 'agent/'.padEnd(300, 'x');
    const done = await post('/things', text, {
      'x-request-id': 'r1',
      'user-agent': long,
      'content-type': 'application/json',
    });
    expect(done.status).toBe(201);
    expect(notes).toEqual([
      {
        scope: PROJECT_ID,
        principal: OWNER.id,
        credential: null,
        action: 'POST /things',
        target: '/things',
        status: 201,
        request_id: 'r1',
        address: '127.0.0.1',
        user_agent: long.slice(0, 200),
        body_digest: contentHash(text),
        replayed: false,
      },
    ]);
  });

  test.each([
    ['a path without its query, cut where it is long', `/things/${'n'.repeat(600)}/touch?token=hidden`, 400],
    ['invalid', '/things', 400],
    ['malformed', '/things/x/touch?a=%', 400, INSTALLATION_SCOPE],
    ['an unknown project', `/things?project_id=${NO_PROJECT_ID}`, 404, INSTALLATION_SCOPE],
  ])('refused, %s: an entry as well', async (_name, path, status, scope = PROJECT_ID) => {
    expect((await post(path)).status).toBe(status);
    const target = path.split('?')[0]!.slice(0, 512);
    expect(notes).toMatchObject([{ status, target, scope, principal: OWNER.id }]);
    expect(JSON.stringify(notes)).not.toContain('hidden');
  });

  test.each([
    ['who are you', '/things', { authorization: 'Bearer nobody' }, 401],
    ['too often', '/late', {}, 429],
    ['not there', '/later', {}, 501],
    ['try again', '/away', {}, 503],
  ])('“%s” leaves no entry', async (_name, path, headers, status) => {
    expect((await post(path, undefined, headers as Record<string, string>)).status).toBe(status);
    expect(notes).toEqual([]);
  });

  test('reads leave none', async () => {
    expect((await api.call('GET', '/api/v1/things')).status).toBe(200);
    expect(notes).toEqual([]);
  });

  test('an answer from memory has an entry of its own', async () => {
    const key = { 'idempotency-key': 'replayed' };
    for (let i = 0; i < 2; i++) expect((await post('/things', { name: 'a' }, key)).status).toBe(201);
    expect(notes.map(({ status, replayed }) => [status, replayed])).toEqual([
      [201, false],
      [201, true],
    ]);
  });

  test('a stream has its entry, and a secret body no digest', async () => {
    await post('/stream');
    await api.call('PUT', '/api/v1/secret', { body: { password: 'hunter2' } });
    expect(notes).toMatchObject([
      { action: 'POST /stream', status: 200 },
      { action: 'PUT /secret', status: 200, body_digest: null },
    ]);
  });

  test('on an open route there is an entry of what was done, under the name that the route found', async () => {
    const statuses = [];
    for (const how of ['refused', 'unknown', 'known']) statuses.push((await post(`/open/${how}`)).status);
    expect(statuses).toEqual([404, 200, 200]);
    expect(notes.map(({ principal, scope, target }) => [principal, scope, target])).toEqual([
      ['anonymous', INSTALLATION_SCOPE, '/open/unknown'],
      ['user:found', OTHER_PROJECT_ID, '/open/known'],
    ]);
  });

  test('nothing is answered before its entry is kept', async () => {
    let keep: () => void = () => undefined;
    held = new Promise((resolve) => (keep = resolve));
    append = (note) => held.then(() => void notes.push(note));
    let answered = false;
    const answer = post('/things', { name: 'a' }).then((got) => ((answered = true), got));
    // Another request goes through as a whole meanwhile.
    await api.call('GET', '/api/v1/things');
    await api.call('GET', '/api/v1/things');
    expect(answered).toBe(false);
    keep();
    expect((await answer).status).toBe(201);
    expect(notes).toHaveLength(1);
  });

  test.each([
    ['what was done', '/things', { name: 'a' }],
    ['a refusal', '/things', {}],
  ])(
    'without an entry %s is answered with 503, and what was done is found under its key',
    async (_name, path, body) => {
      append = () => Promise.reject(new AppError('audit_unavailable', { retry_after_seconds: 1 }));
      const key = { 'idempotency-key': `lost ${JSON.stringify(body)}` };
      const lost = await post(path, body, key);
      expect([lost.status, lost.json().code, lost.headers.get('retry-after')]).toEqual([
        503,
        'audit_unavailable',
        '1',
      ]);
      append = (note) => Promise.resolve(void notes.push(note));
      const is_done = 'name' in body;
      const again = await post(path, body, key);
      expect(again.status).toBe(is_done ? 201 : 422);
      expect(notes).toMatchObject([{ status: again.status, replayed: is_done }]);
    },
  );

  test('a defect is told as one, whether there is an entry or not', async () => {
    expect((await post('/broken')).status).toBe(500);
    expect(notes).toMatchObject([{ status: 500 }]);
    append = () => Promise.reject(new AppError('audit_unavailable'));
    expect((await post('/broken')).status).toBe(500);
    expect(api.failures).toHaveLength(2);
  });
});
