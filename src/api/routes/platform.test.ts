import { listeningApi, type TestApi } from '../app-fixture.ts';
import { platformRoutes, type Check } from './platform.ts';

const capabilities = {
  version: '1',
  versions: { node: '20' },
  node_types: ['http'],
  limits: { nodes: 500 },
  sandbox: null,
};
const never: Check = () => new Promise(() => undefined);
const apis: TestApi[] = [];
const start = async (checks: Record<string, Check>) => {
  const routes = platformRoutes({
    version: '1.2.3',
    checks,
    capabilities: () => capabilities,
    check_timeout_ms: 50,
  });
  const api = await listeningApi(routes);
  apis.push(api);
  return api;
};
const open = { headers: { authorization: '' } };
afterAll(() => Promise.all(apis.map((api) => api.close())));

describe('health', () => {
  it.each(['/health', '/api/health'])('needs no token at %s, and no dependency', async (path) => {
    const api = await start({ database: never });
    const answer = await api.call('GET', path, open);
    expect([answer.status, answer.json()]).toEqual([200, { status: 'ok', version: '1.2.3' }]);
  });
});

describe('readiness', () => {
  it('is 200 while everything answers', async () => {
    const api = await start({ database: () => Promise.resolve(), temporal: () => Promise.resolve() });
    const answer = await api.call('GET', '/ready', open);
    expect([answer.status, answer.json()]).toEqual([
      200,
      { status: 'ready', checks: { database: 'ok', temporal: 'ok' } },
    ]);
  });

  it('is 503 and says what is away, within the time given', async () => {
    const thrower: Check = () => {
      throw new Error('secret');
    };
    const api = await start({
      database: () => Promise.reject(new Error('secret')),
      temporal: never,
      other: thrower,
    });
    const answer = await api.call('GET', '/ready', open);
    expect(answer.status).toBe(503);
    expect(answer.json()).toEqual({
      status: 'unavailable',
      checks: { database: 'failed', temporal: 'timeout', other: 'failed' },
    });
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

describe('capabilities', () => {
  it('are told to callers with a token', async () => {
    const api = await start({});
    expect((await api.call('GET', '/api/v1/capabilities', open)).status).toBe(401);
    expect((await api.call('GET', '/api/v1/capabilities')).json()).toEqual(capabilities);
  });
});

describe('the documentation', () => {
  it('is one OpenAPI document', async () => {
    const api = await start({});
    const answer = await api.call('GET', '/openapi.json', open);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(Object.keys(answer.json<{ paths: object }>().paths)).toContain('/api/v1/capabilities');
  });

  it('is a page whose parts all come from here, under a policy that forbids anything else', async () => {
    const api = await start({});
    const page = await api.call('GET', '/swagger/index.html', open);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'");
    expect(policy).not.toMatch(/script-src[^;]*unsafe|https?:/);
    expect(page.text).not.toMatch(/https?:|<script>|onload=/);
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(parts).toHaveLength(4);
    for (const part of parts)
      expect([part, (await api.call('GET', `/swagger/${part}`, open)).status]).toEqual([part, 200]);
  });

  it('serves nothing but those parts', async () => {
    const api = await start({});
    for (const asset of ['package.json', '..%2fpackage.json', 'index.js']) {
      expect((await api.call('GET', `/swagger/${asset}`, open)).status).toBe(404);
    }
  });
});
