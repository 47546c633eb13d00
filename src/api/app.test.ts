import { listeningApi, LIMITS, PROJECT_ID, TOKEN, type TestApi } from './app-fixture.ts';
import { exampleRoutes } from './app-fixture-routes.ts';
import type { Authenticate } from './middleware/bearer.ts';

let api: TestApi;
beforeAll(async () => {
  api = await listeningApi(exampleRoutes);
});
afterAll(() => api.close());

describe('a good request', () => {
  it.each(['/api/v1', '/api'])('is served under %s', async (mount) => {
    const answer = await api.call('POST', `${mount}/things`, {
      body: { name: 'a' },
      headers: { 'if-match': '"7"' },
    });
    expect(answer.status).toBe(201);
    expect(answer.json()).toEqual({
      body: { name: 'a' },
      project_id: PROJECT_ID,
      if_match: 7,
      by: 'token:test',
    });
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it('keeps an encoded slash inside one path parameter', async () => {
    const answer = await api.call('GET', '/api/v1/things/a%2Fb%20c');
    expect(answer.json<{ params: unknown }>().params).toEqual({ name: 'a/b c' });
  });

  it('may end its path with a slash', async () => {
    expect((await api.call('GET', '/api/v1/things/')).status).toBe(200);
  });

  it('gets query defaults and numbers', async () => {
    const answer = await api.call('GET', '/api/v1/things?kind=b&limit=7');
    expect(answer.json()).toEqual({ query: { kind: 'b', limit: 7 } });
    expect((await api.call('GET', '/api/v1/things')).json()).toEqual({ query: { limit: 20 } });
  });

  it('is answered to HEAD without a body', async () => {
    const answer = await api.call('HEAD', '/api/v1/things');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('may leave out a body where none of the fields is needed', async () => {
    expect((await api.call('POST', '/api/v1/things/a/touch')).status).toBe(204);
    expect((await api.call('POST', '/api/v1/things/a/touch', { body: {} })).status).toBe(204);
    expect((await api.call('POST', '/api/v1/things/a/touch', { body: { force: true } })).status).toBe(400);
  });
});

describe('request ids', () => {
  it('are taken over when sane and made otherwise', async () => {
    const own = await api.call('GET', '/api/v1/things', { headers: { 'x-request-id': 'abc-1' } });
    expect(own.headers.get('x-request-id')).toBe('abc-1');
    const odd = await api.call('GET', '/api/v1/nowhere', { headers: { 'x-request-id': 'a b"c' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(odd.json().request_id).toBe(odd.headers.get('x-request-id'));
  });
});

const post = (body: string) => ({ body, headers: { 'content-type': 'application/json' } });
const deep = (levels: number) => `{"name":"a","extra":${'['.repeat(levels)}${']'.repeat(levels)}}`;

describe('a bad request', () => {
  it('is told every problem at once, by JSON Pointer', async () => {
    const answer = await api.call('POST', '/api/v1/things', { body: { count: -1, 'a/b~c': 1 } });
    expect(
      answer
        .json()
        .errors?.map((problem) => problem.path)
        .sort(),
    ).toEqual(['/a~1b~0c', '/count', '/name']);
    expect(answer.status).toBe(400);
  });

  it('points at the place of U+0000', async () => {
    const answer = await api.call('POST', '/api/v1/things', post('{"name":"a","extra":[{"k/y":"\\u0000"}]}'));
    expect(answer.json().errors).toEqual([{ path: '/extra/0/k~1y', message: 'U+0000 is not allowed' }]);
  });

  it('says which methods the path takes', async () => {
    const refused = await api.call('DELETE', '/api/v1/things');
    expect(refused.headers.get('allow')).toBe('POST, GET, OPTIONS');
    const asked = await api.call('OPTIONS', '/api/v1/things');
    expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'POST, GET, OPTIONS']);
  });

  it('without a token learns how to authenticate', async () => {
    const answer = await api.call('GET', '/api/v1/things', { headers: { authorization: '' } });
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });
});

describe('the edges of the limits', () => {
  it('lets a body of exactly the limit through', async () => {
    const body = (length: number) => `{"name":"${'x'.repeat(length - 11)}"}`;
    expect((await api.call('POST', '/api/v1/things', post(body(LIMITS.body_bytes)))).status).toBe(201);
    expect((await api.call('POST', '/api/v1/things', post(body(LIMITS.body_bytes + 1)))).status).toBe(413);
  });

  it('refuses a body of unknown length as soon as it is too long', async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024).fill(0x20)),
    });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };
    const request = { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit;
    const status = await fetch(`${api.url}/api/v1/things`, request).then(
      (answer) => answer.status,
      () => 413, // A client may see its own write fail first.
    );
    expect(status).toBe(413);
  });

  it('lets JSON of exactly the depth through', async () => {
    expect((await api.call('POST', '/api/v1/things', post(deep(63)))).status).toBe(201);
  });

  it('refuses 10,000 levels fast and without a stack overflow', async () => {
    const wide = await listeningApi(exampleRoutes, { limits: { ...LIMITS, body_bytes: 1_048_576 } });
    const started_ms = performance.now();
    const answer = await wide.call('POST', '/api/v1/things', post(deep(10_000)));
    expect(answer.status).toBe(400);
    expect(performance.now() - started_ms).toBeLessThan(15_000);
    await wide.close();
  });
});

describe('JSON Patch', () => {
  it('ignores members of an operation that it does not know', async () => {
    const body = [{ op: 'remove', path: '/a', comment: 'x' }];
    const answer = await api.call('PATCH', '/api/v1/things/a', {
      body,
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect([answer.status, answer.json()]).toEqual([200, { body: [{ op: 'remove', path: '/a' }] }]);
  });

  it.each([
    [{ op: 'add', path: '/a' }],
    [{ op: 'add', path: 'a', value: 1 }],
    [{ op: 'grow', path: '/a' }],
    [{ op: 'move', path: '/a' }],
  ])('refuses %j', async (operation) => {
    const headers = { 'content-type': 'application/json-patch+json' };
    const answer = await api.call('PATCH', '/api/v1/things/a', { body: [operation], headers });
    expect(answer.status).toBe(422);
  });

  it('may set a value to null', async () => {
    const headers = { 'content-type': 'application/json-patch+json; charset=UTF-8' };
    const answer = await api.call('PATCH', '/api/v1/things/a', {
      body: [{ op: 'add', path: '/a', value: null }],
      headers,
    });
    expect(answer.status).toBe(200);
  });
});

describe('a failing handler', () => {
  it('tells the caller nothing about a defect, and the log everything', async () => {
    const answer = await api.call('GET', '/api/v1/fails/defect');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toMatch(/hunter2|postgres/);
    expect(api.failures.at(-1)).toMatchObject({
      request_id: answer.json().request_id,
      err: { message: expect.stringContaining('hunter2') as string },
    });
  });

  it('answers a failure by name with its detail', async () => {
    const answer = await api.call('GET', '/api/v1/fails/conflict');
    expect(answer.json()).toMatchObject({
      status: 409,
      code: 'state_conflict',
      detail: 'It is closed.',
      state: 'closed',
    });
  });

  it('keeps the detail of an internal failure to itself', async () => {
    const answer = await api.call('GET', '/api/v1/fails/corrupt');
    expect(answer.json()).toMatchObject({ status: 500, code: 'blob_corrupt' });
    expect(answer.text).not.toContain('table');
  });

  it('says when to come back while a dependency is away', async () => {
    const answer = await api.call('GET', '/api/v1/fails/away');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3']);
  });
});

describe('the route table', () => {
  it('refuses two routes of the same name', async () => {
    await expect(listeningApi([...exampleRoutes, exampleRoutes[0]!])).rejects.toThrow(/declared twice/);
  });
});

describe('the rate limit', () => {
  it('answers 429 with Retry-After, to one caller and not to another', async () => {
    const limits = { ...LIMITS, rate_per_second: 1, rate_burst: 3 };
    const authenticate: Authenticate = (req) => ({
      id: (req.headers['x-caller'] as string | undefined) ?? 'a',
      role: 'viewer',
    });
    const limited = await listeningApi(exampleRoutes, { limits, authenticate });
    const call = (caller: string) =>
      limited.call('GET', '/api/v1/things', { headers: { 'x-caller': caller } });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await call('a')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await call('a');
    expect(refused.json().code).toBe('rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
    expect((await call('b')).status).toBe(200);
    await limited.close();
  });
});
