/**
 * What no route takes: a field or a query parameter that it does not know, and bodies that are made to hurt. Every route
 * with a body is asked; one that takes unknown fields stands in a table with the reason.
 */
import { z } from 'zod';
import { LIMITS, type TestAnswer } from '../../../src/api/app-fixture.ts';
import type { Route } from '../../../src/api/route.ts';
import type { Request } from '../idempotency/examples.ts';
import { type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { nameOf, requestOf } from './requests.ts';

/** Their bodies have no fields that are known beforehand. */
const ANY_BODY: Readonly<Record<string, string>> = {
  'POST /runs/:id/events/:name': 'the body is the payload of the event',
  'POST /hooks/:id': 'the body is the input of the run',
  'PATCH /workflows/:ref':
    'the body is a JSON Patch; members that an operation does not know are ignored (RFC 6902 §4)',
};

let whole: WholeApi;
let made = 0;
beforeAll(async () => {
  whole = await wholeApi();
});
afterAll(() => whole?.close());

const UNKNOWN_ID = '01900000-0000-7000-8000-000000000000';

/** A request that succeeds where there is one; otherwise one for what is not there, which is judged later than its body. */
const requestFor = (row: Route): Promise<Request> =>
  requestOf(nameOf(row), whole, `welcome${++made}`).catch(() => ({
    path: row.path.replaceAll(/:\w+/g, UNKNOWN_ID),
  }));

const send = (row: Route, { path, body, headers }: Request): Promise<TestAnswer> =>
  whole.api.call(row.method.toUpperCase(), `/api/v1${path}`, { body, headers });

const verdict = (answer: TestAnswer): string => {
  if (answer.text === '') return String(answer.status);
  const { code, errors = [] } = answer.json();
  return [answer.status, code, ...errors.map(({ path }) => path)].join(' ');
};

const withBodies = () =>
  whole.routes.filter(
    (row) =>
      !row.root && !row.raw_body && !['get', 'head'].includes(row.method) && !(nameOf(row) in ANY_BODY),
  );

/** Every member that a cursor of ours has. */
const CURSOR_MEMBERS =
  'name kind digest created_at id about started_at node item attempt seq user_id beat workflow target_id approved_by at run_id pattern version number depth';

it.each(['zz', '\u0000', '', 1e300, 1e15, -1e15, -1, 0.5, '2026-99-99T00:00:00Z'])(
  'a cursor that somebody made up of %j is never a failure of ours',
  async (value) => {
    const position = Object.fromEntries(CURSOR_MEMBERS.split(' ').map((name) => [name, value]));
    const cursor = Buffer.from(JSON.stringify(position)).toString('base64url');
    const lists = whole.routes.filter(
      ({ method, query }) => method === 'get' && query instanceof z.ZodObject && 'cursor' in query.shape,
    );
    const wrong: unknown[] = [];
    for (const row of lists) {
      const { path } = await requestFor(row);
      const answer = await send(row, { path: `${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}` });
      if (answer.status >= 500) wrong.push([nameOf(row), verdict(answer)]);
    }
    expect(wrong).toEqual([]);
    expect(lists.length).toBeGreaterThan(20);
  },
);

it('an unknown field is 400 on every route with a body, and the answer names it', async () => {
  const wrong: unknown[] = [];
  for (const row of withBodies()) {
    const { path, body, headers } = await requestFor(row);
    const sent = { ...(body as object | undefined), no_such_field: 1 };
    const answer = await send(row, { path, body: sent, headers });
    const { status, text } = answer;
    if (status !== 400 || !text.includes('"/no_such_field"')) wrong.push([nameOf(row), verdict(answer)]);
  }
  expect(wrong).toEqual([]);
  expect(withBodies().length).toBeGreaterThan(60);
});

it('an unknown query parameter is 400 on every route, and the answer names it', async () => {
  const wrong: unknown[] = [];
  for (const row of whole.routes.filter((row) => !row.root)) {
    const { path, body, headers } = await requestFor(row);
    const answer = await send(row, {
      path: `${path}${path.includes('?') ? '&' : '?'}no_such_parameter=1`,
      body,
      headers,
    });
    const named = row.method === 'head' ? '400' : '400 malformed_request /query/no_such_parameter';
    if (verdict(answer) !== named) wrong.push([nameOf(row), verdict(answer)]);
  }
  expect(wrong).toEqual([]);
});

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const field = (text: string) => `{"no_such_field":${text}}`;

/** By what each is answered, wherever it is sent. */
const BOMBS: Readonly<Record<string, [body: string, answer: RegExp]>> = {
  'lists 10,000 deep': [nested(10_000), /^400 malformed_request/],
  'objects 10,000 deep': ['{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000), /^400 malformed_request/],
  'a million brackets that never close': ['['.repeat(1_000_000), /^400 malformed_request/],
  'one level more than allowed': [field(nested(64)), /^400 malformed_request/],
  'two members of one name': ['{"no_such_field":1,"no_such_field":2}', /^400 malformed_request/],
  'two members of one name, one of them escaped': ['{"name":1,"n\\u0061me":2}', /^400 malformed_request/],
  'two members of one name deep inside': [field('[{"b":[{"c":1,"c":1}]}]'), /^400 malformed_request/],
  'a member __proto__': ['{"__proto__":{"is_admin":true}}', /^422 validation_failed \/__proto__/],
  'an escaped __proto__ inside': [field('{"\\u005f_proto__":1}'), /^422 validation_failed/],
  'a member constructor': ['{"constructor":{"prototype":{"is_admin":true}}}', /^(400|422)/],
  'a number beyond all numbers': [field('1e999'), /^422 validation_failed \/no_such_field/],
  'a number of 500,000 digits': [field('9'.repeat(500_000)), /^422 validation_failed/],
  'half a surrogate pair': [field('"\\ud800"'), /^422 validation_failed/],
  'U+0000': [field('"\\u0000"'), /^422 validation_failed/],
  'more than the limit': [field(`"${'x'.repeat(1_100_000)}"`), /^413 payload_too_large/],
};

it.each(Object.keys(BOMBS))(
  '%s is refused by every route with a JSON body, and hurts nobody',
  async (name) => {
    const [body, answer] = BOMBS[name]!;
    const wrong: unknown[] = [];
    for (const row of withBodies()) {
      const media_type = row.body_media_types?.[0] ?? 'application/json';
      const path = row.path.replaceAll(/:\w+/g, UNKNOWN_ID);
      const headers = { 'content-type': media_type };
      // A project that is not there comes before any body.
      if (row.project_in_path) continue;
      const seen = verdict(await send(row, { path, body, headers }));
      const is_above = row.body_limit !== undefined && body.length > LIMITS[row.body_limit];
      if (!(is_above ? /^413/ : answer).test(seen)) wrong.push([nameOf(row), seen]);
    }
    expect(wrong).toEqual([]);
    expect(({} as { is_admin?: boolean }).is_admin).toBeUndefined();
    expect((await whole.api.call('GET', '/health')).status).toBe(200);
  },
);
