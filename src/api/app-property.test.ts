import fc from 'fast-check';
import { listeningApi, type TestApi } from './app-fixture.ts';
import { exampleRoutes } from './app-fixture-routes.ts';

let api: TestApi;
beforeAll(async () => {
  api = await listeningApi(exampleRoutes);
});
afterAll(() => api.close());

const RUNS = { numRuns: 300 };
const headers = { 'content-type': 'application/json' };

describe('whatever is sent', () => {
  it('no JSON value is a failure of ours', async () => {
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 6 }),
      fc.record({ name: fc.string(), extra: fc.jsonValue() }),
      awkward(),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const body = JSON.stringify(value);
        const answer = await api.call('POST', '/api/v1/things', { body, headers });
        expect(answer.status).toBeLessThan(500);
        if (answer.status === 201) expect(answer.json<{ body: unknown }>().body).toEqual(JSON.parse(body));
      }),
      RUNS,
    );
  });

  it('no sequence of bytes is a failure of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.string({ unit: jsonCharacter() })), async (body) => {
        const answer = await api.call('POST', '/api/v1/things', { body, headers });
        expect([400, 422, 201]).toContain(answer.status);
      }),
      RUNS,
    );
  });

  it('no path and no query is a failure of ours', async () => {
    const piece = fc.string({ unit: fc.constantFrom(...'abc/%0fF?&=+._-') });
    await fc.assert(
      fc.asyncProperty(piece, piece, async (path, query) => {
        const answer = await api.call('GET', `/api/v1/things/${path}?${query}`);
        expect(answer.status).toBeLessThan(500);
      }),
      RUNS,
    );
  });

  it('no header is a failure of ours', async () => {
    const text = fc.string({ unit: fc.constantFrom(...'W/"*, 0123abc;=') });
    await fc.assert(
      fc.asyncProperty(text, text, text, async (if_match, type, project) => {
        const sent = { 'if-match': if_match, 'content-type': type, 'x-project-id': project };
        const answer = await api.call('POST', '/api/v1/things', { body: '{"name":"a"}', headers: sent });
        expect(answer.status).toBeLessThan(500);
      }),
      RUNS,
    );
  });

  it('nothing of it was logged as a failure', () => {
    expect(api.failures).toEqual([]);
  });
});

/** Names and values that break naive code. */
function awkward() {
  const names = fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'name',
    'a/b',
    'a~b',
    '',
    '\u0000',
    '\ud800',
    '0',
  );
  const values = fc.oneof(
    fc.constantFrom('\u0000', '\udfff', -0, 1e308, null),
    fc.jsonValue({ maxDepth: 2 }),
  );
  return fc.dictionary(names, values);
}

function jsonCharacter() {
  return fc.constantFrom(...'{}[]",:\\u0e1.-tfn ');
}
