import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createGuardedFetch,
  type FetchRequest,
  type FetchResponse,
  type GuardedFetch,
} from '../../clients/http/guarded-fetch.ts';
import { HttpFailure } from '../../clients/http/http-failure.ts';
import { AppError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { httpNode } from './http.ts';
import type { NodeOutcome } from './node.ts';

/** A context that remembers what was kept. */
function contextOf(signal = new AbortController().signal) {
  const kept: { media_type: string; size_bytes: number }[] = [];
  const keep = (bytes: Uint8Array, media_type: string) =>
    Promise.resolve(`sha256:${kept.push({ media_type, size_bytes: bytes.length })}`);
  return { run_id: 'run-1', signal, keep, kept };
}

/** Runs the node against an answer, and tells what was asked. */
async function answered(
  answer: Partial<FetchResponse> | Error,
  config: JsonObject = { url: 'http://a.example/' },
) {
  const asked: FetchRequest[] = [];
  const fetch: GuardedFetch = (request) => {
    asked.push(request);
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve({
      status: 200,
      headers: {},
      body: new Uint8Array(),
      url: 'http://a.example/',
      ...answer,
    });
  };
  const context = contextOf();
  const outcome = await httpNode({ fetch, inline_bytes: 100, version: '1.2.3' })(config, context);
  return { outcome, kept: context.kept, asked: asked[0] };
}

const body = (text: string) => new Uint8Array(Buffer.from(text));
const json = { 'content-type': 'application/json; charset=utf-8' };
const outputOf = (outcome: NodeOutcome) => outcome.output as JsonObject;

describe('the request', () => {
  const of = async (config: JsonObject) =>
    (await answered({}, { url: 'http://a.example/p?x=1', ...config })).asked;

  test('is a GET that says who asks, unless told otherwise', async () => {
    expect(await of({})).toEqual({
      method: 'GET',
      url: 'http://a.example/p?x=1',
      headers: { 'user-agent': 'orchestrator/1.2.3', 'x-orchestrator-run': 'run-1' },
      body: null,
      final_statuses: undefined,
    });
    expect((await of({ headers: { 'User-Agent': 'me', 'X-Orchestrator-Run': 'forged' } }))?.headers).toEqual({
      'user-agent': 'me',
      'x-orchestrator-run': 'run-1',
    });
  });

  test('has the query added; a list repeats, null is left out', async () => {
    expect((await of({ query: { a: 'ä &', b: [1, true, null], c: null, x: 2 } }))?.url).toBe(
      'http://a.example/p?x=1&a=%C3%A4+%26&b=1&b=true&x=2',
    );
  });

  test.each<[Json, string | null, string | undefined]>([
    ['plain', 'plain', undefined],
    [{ a: [1] }, '{"a":[1]}', 'application/json'],
    [0, '0', 'application/json'],
    [false, 'false', 'application/json'],
    [null, null, undefined],
    ['', '', undefined],
  ])('has the body %j as it is or as JSON', async (value, sent, type) => {
    const asked = await of({ method: 'post', body: value });
    expect([asked?.method, asked?.body, asked?.headers?.['content-type']]).toEqual(['POST', sent, type]);
  });

  test('keeps a content type that is given', async () => {
    expect(
      (await of({ method: 'PUT', body: {}, headers: { 'Content-Type': 'application/x' } }))?.headers?.[
        'content-type'
      ],
    ).toBe('application/x');
  });

  test('takes an expected redirect as the answer', async () => {
    expect((await of({ expect_status: 302 }))?.final_statuses).toEqual([302]);
  });

  test.each<[string, JsonObject]>([
    ['url', { url: null }],
    ['url', { url: 5 }],
    ['url', { url: '/path' }],
    ['method', { method: 'TRACE' }],
    ['method', { method: 'CONNECT' }],
    ['method', { method: 1 }],
    ['headers', { headers: ['a'] }],
    ['headers.a', { headers: { a: { secret: 1 } } }],
    ['headers.a', { headers: { a: ['secret'] } }],
    ['headers', { headers: { a: 'secret', A: 'secret' } }],
    ['query', { query: 'a=secret' }],
    ['query.a', { query: { a: { secret: 1 } } }],
    ['query.a', { query: { a: [['secret']] } }],
    ['expect_status', { expect_status: '200' }],
    ['expect_status', { expect_status: [] }],
    ['expect_status', { expect_status: [200, 99] }],
    ['expect_status', { expect_status: 200.5 }],
    ['GET', { body: 'secret' }],
  ])('with a wrong %s is not made: %j', async (place, config) => {
    const { outcome, asked } = await answered({}, { url: 'http://a.example/', ...config });
    expect(outcome).toMatchObject({ state: 'failed', output: null, error: { code: 'config_invalid' } });
    expect(outcome.error?.message).toContain(place);
    expect(outcome.error?.message).not.toContain('secret');
    expect(asked).toBeUndefined();
  });
});

describe('the status', () => {
  test.each<[number, Json, boolean]>([
    [200, null, true],
    [304, null, true],
    [399, null, true],
    [400, null, false],
    [503, null, false],
    [404, 404, true],
    [404, [200, 404], true],
    [200, 404, false],
    [200, [201, 202], false],
  ])('%i with %j expected: %s', async (status, expect_status, succeeds) => {
    const { outcome } = await answered(
      { status, headers: { a: 'b' }, body: body('x') },
      { url: 'http://a.example/', expect_status },
    );
    expect(outcome).toEqual({
      state: succeeds ? 'succeeded' : 'failed',
      output: { status, headers: { a: 'b' }, body: 'x', body_ref: null },
      error: succeeds ? null : { code: 'http_status', message: `The server answered ${status}.` },
    });
  });
});

describe('the body', () => {
  const of = async (bytes: Uint8Array, headers: Record<string, string> = {}) => {
    const { outcome, kept } = await answered({ headers, body: bytes });
    const { body, body_ref } = outputOf(outcome);
    return { body, body_ref, kept };
  };

  test.each<[string, string, Json]>([
    ['application/json', '{"a":[1,null]}', { a: [1, null] }],
    ['application/problem+json; charset=utf-8', '{"a":1}', { a: 1 }],
    ['Application/JSON', '1', 1],
    ['application/json', 'null', null],
    ['application/json', '{not json', '{not json'],
    ['application/json', '\ufeff{"a":1}', { a: 1 }],
    ['application/jsonp', '1', '1'],
    ['text/plain', '{"a":1}', '{"a":1}'],
    ['', 'größe', 'größe'],
    // JSON that would break the run's records or its expressions stays the text it is.
    ['application/json', '"\\ud800"', '"\\ud800"'],
    ['application/json', '1e999', '1e999'],
  ])('of type "%s" that says %s', async (type, text, value) => {
    expect(await of(body(text), { 'content-type': type })).toEqual({ body: value, body_ref: null, kept: [] });
  });

  test('that is JSON nested without end stays text', async () => {
    const fetch: GuardedFetch = () =>
      Promise.resolve({
        status: 200,
        headers: json,
        body: body('['.repeat(9_000) + ']'.repeat(9_000)),
        url: '',
      });
    const { output } = await httpNode({ fetch, inline_bytes: 20_000 })(
      { url: 'http://a.example/' },
      contextOf(),
    );
    expect(typeof (output as JsonObject).body).toBe('string');
  });

  test('that is empty is null', async () => {
    expect(await of(body(''), json)).toEqual({ body: null, body_ref: null, kept: [] });
  });

  test('in another character set is text', async () => {
    expect(
      (await of(new Uint8Array([0xe4]), { 'content-type': 'text/plain; charset="ISO-8859-1"' })).body,
    ).toBe('ä');
  });

  test.each([
    ['binary', new Uint8Array([0xff, 0xfe, 0x00]), 'image/PNG; x=y', 'image/png'],
    ['text with a NUL', body('a\0b'), 'text/plain', 'text/plain'],
    ['of an unknown character set', body('a'), 'text/plain; charset=klingon', 'text/plain'],
    ['large text', body('a'.repeat(101)), 'text/plain', 'text/plain'],
    ['large JSON', body(JSON.stringify('a'.repeat(101))), 'application/json', 'application/json'],
    ['of no type', new Uint8Array([0xff]), '', 'application/octet-stream'],
    ['of a forged type', new Uint8Array([0xff]), 'text/html<script>', 'application/octet-stream'],
  ])('that is %s is kept as a blob', async (_what, bytes, type, media_type) => {
    expect(await of(bytes, { 'content-type': type })).toEqual({
      body: null,
      body_ref: 'sha256:1',
      kept: [{ media_type, size_bytes: bytes.length }],
    });
  });

  test('at the limit is still inline', async () => {
    expect((await of(body('a'.repeat(100)))).body_ref).toBeNull();
  });

  test('that cannot be kept is trouble of the engine', async () => {
    const fetch: GuardedFetch = () =>
      Promise.resolve({ status: 200, headers: {}, body: new Uint8Array([0xff]), url: '' });
    const context = { ...contextOf(), keep: () => Promise.reject(new AppError('database_unavailable')) };
    await expect(
      httpNode({ fetch, inline_bytes: 100 })({ url: 'http://a.example/' }, context),
    ).rejects.toMatchObject({ code: 'database_unavailable' });
  });
});

describe('what goes wrong on the way', () => {
  test.each([
    ['timeout', new HttpFailure('timeout', 'Late.')],
    ['dns_failed', new HttpFailure('dns_failed', 'Late.')],
    ['config_invalid', new HttpFailure('request_invalid', 'Late.')],
    ['egress_refused', new AppError('egress_refused', { detail: 'Late.' })],
  ])('%s fails the step', async (code, error) => {
    expect((await answered(error)).outcome).toEqual({
      state: 'failed',
      output: null,
      error: { code, message: 'Late.' },
    });
  });

  test.each([new AppError('database_unavailable'), new TypeError('a defect')])(
    'is thrown when it is ours: %s',
    async (error) => {
      await expect(answered(error)).rejects.toBe(error);
    },
  );
});

describe('against a real server', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function run(
    listener: RequestListener,
    config: (origin: string) => JsonObject,
    options: { allow?: string[]; signal?: AbortSignal } = {},
  ) {
    const server = http.createServer(listener);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const fetch = createGuardedFetch({ allow: options.allow ?? ['127.0.0.1'] });
    closing.push(
      () => fetch.close(),
      () => new Promise((done) => (server.close(done), server.closeAllConnections())),
    );
    const node = httpNode({ fetch, inline_bytes: 1_000 });
    return node(
      config(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      contextOf(options.signal),
    );
  }

  test('JSON goes there and comes back', async () => {
    const listener: RequestListener = (request, response) => {
      response.setHeader('content-type', 'application/json');
      request.pipe(response);
    };
    const outcome = await run(listener, (url) => ({ method: 'POST', url, body: { n: [1, 'ä'] } }));
    expect(outcome).toMatchObject({
      state: 'succeeded',
      output: { status: 200, body: { n: [1, 'ä'] }, body_ref: null },
      error: null,
    });
  });

  test('loopback is refused when it is not on the list, and no secret shows', async () => {
    const outcome = await run(
      () => undefined,
      (url) => ({ url: `${url}/secret?key=secret`, headers: { 'x-key': 'secret' } }),
      { allow: [] },
    );
    expect(outcome).toEqual({
      state: 'failed',
      output: null,
      error: { code: 'egress_refused', message: 'The host 127.0.0.1 may not be called.' },
    });
  });

  test.each<[string, JsonObject]>([
    ['egress_refused', { url: 'file:///etc/passwd' }],
    ['egress_refused', { url: 'http://secret:secret@public.example/' }],
    ['config_invalid', { url: 'http://127.0.0.1/', headers: { host: 'secret' } }],
    ['config_invalid', { url: 'http://127.0.0.1/', headers: { a: 'secret\r\nb: c' } }],
  ])('%s for %j', async (code, config) => {
    const outcome = await run(
      () => undefined,
      () => config,
    );
    expect(outcome).toMatchObject({ state: 'failed', error: { code } });
    expect(JSON.stringify(outcome)).not.toContain('secret');
  });

  test('an attempt that is aborted rejects with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('The run was cancelled.');
    const abort: RequestListener = () => controller.abort(reason);
    await expect(run(abort, (url) => ({ url }), { signal: controller.signal })).rejects.toBe(reason);
  });
});
