import {
  LIMITS,
  listeningApi,
  OTHER_PROJECT_ID,
  PROJECT_ID,
  TOKEN,
  type CallOptions,
  type TestApi,
} from './app-fixture.ts';
import { exampleRoutes } from './app-fixture-routes.ts';

let api: TestApi;
beforeAll(async () => {
  api = await listeningApi(exampleRoutes);
});
afterAll(() => api.close());

type Case = [what: string, request: string, options?: CallOptions];

const json = (body: string, headers: Record<string, string> = {}) => ({
  body,
  headers: { 'content-type': 'application/json', ...headers },
});
const good = (headers: Record<string, string>) => json('{"name":"a"}', headers);
const extra = (text: string) => json(`{"name":"a","extra":${text}}`);
const patch = { 'content-type': 'application/json-patch+json' };
const four_operations = JSON.stringify(Array.from({ length: 4 }, () => ({ op: 'remove', path: '/a' })));

/** Requests below `/api/v1`, by what they are answered. */
const REFUSED: Record<string, Case[]> = {
  '400 malformed_request': [
    ['broken path encoding', 'GET /things/%E0%A4%A'],
    ['path that is no UTF-8', 'GET /things/%ff'],
    ['broken query encoding', 'GET /things?kind=%zz'],
    ['unknown query parameter', 'GET /things?colour=red'],
    ['__proto__ in the query', 'GET /things?__proto__=1'],
    ['query on a route without any', 'GET /things/a?x=1'],
    ['no body', 'POST /things'],
    ['broken JSON', 'POST /things', json('{"name":')],
    ['no JSON', 'POST /things', json('name')],
    ['one level too deep', 'POST /things', extra('['.repeat(64) + ']'.repeat(64))],
    ['2,000 levels deep', 'POST /things', json('['.repeat(2_000))],
    ['unknown field', 'POST /things', json('{"name":"a","colour":1}')],
    ['list of If-Match', 'POST /things', good({ 'if-match': '"1", "2"' })],
    ['long key', 'POST /things', good({ 'idempotency-key': 'k'.repeat(256) })],
    ['empty key', 'POST /things', good({ 'idempotency-key': '' })],
  ],
  '401 unauthenticated': [
    ['no token', 'GET /things', { headers: { authorization: '' } }],
    ['wrong token', 'GET /things', { headers: { authorization: `Bearer ${TOKEN}x` } }],
    ['wrong scheme', 'GET /things', { headers: { authorization: `Basic ${TOKEN}` } }],
  ],
  '404 not_found': [
    ['unknown route', 'GET /nowhere'],
    ['unknown project', 'GET /things?project_id=00000000-0000-7000-8000-00000000000f'],
  ],
  '405 method_not_allowed': [['other method', 'DELETE /things']],
  '412 stale_if_match': [
    ['weak If-Match', 'POST /things', good({ 'if-match': 'W/"1"' })],
    ['foreign If-Match', 'POST /things', good({ 'if-match': '"abc"' })],
  ],
  '413 payload_too_large': [['too large', 'POST /things', json(`"${'x'.repeat(LIMITS.body_bytes)}"`)]],
  '415 unsupported_media_type': [
    ['other media type', 'POST /things', json('{}', { 'content-type': 'text/plain' })],
    ['other charset', 'POST /things', json('{}', { 'content-type': 'application/json; charset=latin1' })],
    ['compressed', 'POST /things', json('{}', { 'content-encoding': 'gzip' })],
    ['JSON for a patch', 'PATCH /things/a', json('[]')],
  ],
  '422 validation_failed': [
    ['U+0000 in the path', 'GET /things/a%00'],
    ['U+0000 in the query', 'GET /things?cursor=%00'],
    ['long path parameter', `GET /things/${'x'.repeat(21)}`],
    ['limit 0', 'GET /things?limit=0'],
    ['limit 101', 'GET /things?limit=101'],
    ['a parameter twice', 'GET /things?kind=a&kind=b'],
    ['malformed project', 'GET /things?project_id=1'],
    ['malformed project header', 'GET /things', { headers: { 'x-project-id': 'x' } }],
    [
      'two projects',
      `GET /things?project_id=${PROJECT_ID}`,
      { headers: { 'x-project-id': OTHER_PROJECT_ID } },
    ],
    ['__proto__ field', 'POST /things', json('{"name":"a","__proto__":{"admin":true}}')],
    ['escaped __proto__', 'POST /things', extra('{"\\u005f_proto__":1}')],
    ['missing field', 'POST /things', json('{}')],
    ['wrong type', 'POST /things', json('{"name":1}')],
    ['other JSON', 'POST /things', json('[1]')],
    ['U+0000 in a string', 'POST /things', json('{"name":"\\u0000"}')],
    ['U+0000 in a key', 'POST /things', extra('{"\\u0000":1}')],
    ['half a surrogate pair', 'POST /things', json('{"name":"\\ud800"}')],
    ['infinite number', 'POST /things', extra('1e400')],
    ['too many operations', 'PATCH /things/a', { body: four_operations, headers: patch }],
  ],
  '501 not_implemented': [['not there', 'POST /later', json('{}')]],
};

const cases = Object.entries(REFUSED).flatMap(([expected, list]) =>
  list.map(([what, request, options]) => ({ expected, what, request, options })),
);

describe('a request is refused with a problem document', () => {
  it.each(cases)('$expected: $what', async ({ expected, request, options }) => {
    const [method = '', path = ''] = request.split(' ');
    const answer = await api.call(method, `/api/v1${path}`, options);
    const { status, code, type, title, request_id } = answer.json();
    expect(`${status} ${code}`).toBe(expected);
    expect([answer.status, type]).toEqual([status, `urn:orchestrator:error:${code}`]);
    expect(title).toMatch(/\.$/);
    expect(request_id).toBe(answer.headers.get('x-request-id'));
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  it('also at the root', async () => {
    expect((await api.call('GET', '/nowhere')).status).toBe(404);
  });
});
