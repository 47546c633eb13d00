import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { createGuardedFetch, type FetchRequest, type GuardedFetchOptions } from './guarded-fetch.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function listen(server: net.Server): Promise<string> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => {
    sockets.forEach((socket) => socket.destroy());
    return new Promise((done) => server.close(done));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (listener: RequestListener) => listen(http.createServer(listener));
/** A server that writes these bytes, whatever it is asked. */
const serveRaw = (bytes: string) =>
  listen(
    net.createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(bytes))),
  );

function client(options: Partial<GuardedFetchOptions> = {}) {
  const fetch = createGuardedFetch({ allow: ['127.0.0.1'], timeout_ms: 10_000, ...options });
  cleanups.push(() => fetch.close());
  return (request: Partial<FetchRequest> & { url: string }, signal = new AbortController().signal) =>
    fetch({ method: 'GET', ...request }, { signal });
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Answers with what it was asked. */
const echo = (request: IncomingMessage, response: ServerResponse): void => {
  void bodyOf(request).then((body) =>
    response.end(
      JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }),
    ),
  );
};
interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}
const echoed = (bytes: Uint8Array) => JSON.parse(text(bytes)) as Echo;

describe('an answer', () => {
  test('has status, headers, body and where it came from', async () => {
    const origin = await serve((_request, response) => {
      response
        .writeHead(418, { 'X-Two': ['a', 'b'], 'set-cookie': ['c=1', 'd=2'], constructor: 'x' })
        .end('tea');
    });
    const { status, headers, body, url } = await client()({ url: `${origin}/a?b=c#d` });
    expect({ status, url, body: text(body) }).toEqual({ status: 418, url: `${origin}/a?b=c#d`, body: 'tea' });
    expect(headers).toMatchObject({ 'x-two': 'a, b', 'set-cookie': 'c=1, d=2', constructor: 'x' });
  });

  test('comes for what was asked', async () => {
    const origin = await serve(echo);
    const { body } = await client()({
      method: 'POST',
      url: `${origin}/p%20q?r=ä#s`,
      headers: { 'X-Key': 'v' },
      body: 'bödy',
    });
    expect(echoed(body)).toMatchObject({
      method: 'POST',
      url: '/p%20q?r=%C3%A4',
      headers: { 'x-key': 'v', 'content-length': '5' },
      body: 'bödy',
    });
  });

  test('to HEAD has no body, whatever length it tells', async () => {
    const origin = await serve((_request, response) =>
      response.writeHead(200, { 'content-length': 99_999_999, 'content-encoding': 'gzip' }).end(),
    );
    const { body, headers } = await client()({ method: 'HEAD', url: origin });
    expect([body.length, headers['content-length']]).toEqual([0, '99999999']);
  });

  test('may have a header called like a member of every object', async () => {
    const origin = await serveRaw(
      'HTTP/1.1 200 OK\r\n__proto__: a\r\n__proto__: b\r\nconstructor: c\r\nContent-Length: 0\r\n\r\n',
    );
    const { headers } = await client()({ url: origin });
    expect(Object.entries(headers)).toContainEqual(['__proto__', 'a, b']);
    expect(headers.constructor).toBe('c');
  });
});

describe('a content encoding', () => {
  const encodings: [string, Buffer][] = [
    ['gzip', gzipSync('hello')],
    ['GZIP', gzipSync('hello')],
    ['br', brotliCompressSync('hello')],
    ['deflate', deflateSync('hello')],
    ['deflate', deflateRawSync('hello')],
    ['gzip, br', brotliCompressSync(gzipSync('hello'))],
  ];
  test.each(encodings)('%s is taken off, and its headers with it', async (encoding, bytes) => {
    const origin = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(bytes),
    );
    const { body, headers } = await client()({ url: origin });
    expect(text(body)).toBe('hello');
    expect(headers).not.toHaveProperty('content-encoding');
  });

  test('that is not known stays', async () => {
    const origin = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'constructor' }).end('hello'),
    );
    expect((await client()({ url: origin })).headers['content-encoding']).toBe('constructor');
  });

  test.each([
    ['gzip', Buffer.from('no gzip at all')],
    ['gzip', gzipSync('hello'.repeat(100)).subarray(0, 20)],
    ['br', Buffer.from([0xff, 0xff, 0xff])],
    ['gzip, gzip, gzip', gzipSync(gzipSync(gzipSync('hello')))],
  ])('%s that cannot be read is the server’s failure', async (encoding, bytes) => {
    const origin = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(bytes),
    );
    await expect(client()({ url: origin })).rejects.toMatchObject({ code: 'response_invalid' });
  });
});

describe('a body that is too large', () => {
  const max_response_bytes = 100_000;

  test('is refused by its announced length', async () => {
    const origin = await serve((_request, response) =>
      response.writeHead(200, { 'content-length': 1e12 }).flushHeaders(),
    );
    await expect(client({ max_response_bytes })({ url: origin })).rejects.toMatchObject({
      code: 'response_too_large',
    });
  });

  test('is cut while it streams', async () => {
    let sent = 0;
    const origin = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) sent += 16_384;
        sent += 16_384;
      };
      response.on('drain', more).on('error', () => undefined);
      more();
    });
    await expect(client({ max_response_bytes })({ url: origin })).rejects.toMatchObject({
      code: 'response_too_large',
    });
    expect(sent).toBeLessThan(64_000_000);
  });

  test('at the limit still fits', async () => {
    const origin = await serve((_request, response) => response.end(Buffer.alloc(max_response_bytes)));
    expect((await client({ max_response_bytes })({ url: origin })).body.length).toBe(max_response_bytes);
  });

  const zeros = Buffer.alloc(16_000_000);
  const bombs: [string, () => Buffer][] = [
    ['gzip', () => gzipSync(zeros)],
    ['deflate', () => deflateSync(zeros)],
    ['deflate', () => deflateRawSync(zeros)],
    ['br', () => brotliCompressSync(zeros)],
    ['gzip, gzip', () => gzipSync(gzipSync(zeros))],
  ];
  test.each(bombs)('is no matter of how small it was packed: %s', async (encoding, make) => {
    const bomb = make();
    expect(bomb.length).toBeLessThan(max_response_bytes);
    const origin = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
    );
    await expect(client({ max_response_bytes })({ url: origin })).rejects.toMatchObject({
      code: 'response_too_large',
    });
  });

  test('headers are bounded in size and number', async () => {
    const large = await serveRaw(
      `HTTP/1.1 200 OK\r\nX-Large: ${'a'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`,
    );
    const many = await serveRaw(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(300)}Content-Length: 0\r\n\r\n`);
    const call = client();
    await expect(call({ url: large })).rejects.toMatchObject({ code: 'response_too_large' });
    await expect(call({ url: many })).rejects.toMatchObject({ code: 'response_too_large' });
  });
});

describe('a redirect', () => {
  const RULES: [number, FetchRequest['method'], string, string][] = [
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [301, 'PUT', 'PUT', 'data'],
    [307, 'POST', 'POST', 'data'],
    [308, 'DELETE', 'DELETE', 'data'],
  ];
  test.each(RULES)('%i turns %s into %s with body "%s"', async (status, method, then, body) => {
    const origin = await serve((request, response) => {
      if (request.url === '/end') return echo(request, response);
      request.resume();
      response.writeHead(status, { location: 'end' }).end('moved');
    });
    const headers = { 'content-type': 'text/plain', authorization: 'secret' };
    const answer = await client()({ method, url: `${origin}/start`, headers, body: 'data' });
    const seen = echoed(answer.body);
    expect([answer.url, seen.method, seen.body]).toEqual([`${origin}/end`, then, body]);
    expect([seen.headers.authorization, seen.headers['content-type']]).toEqual([
      'secret',
      body === '' ? undefined : 'text/plain',
    ]);
  });

  test('to another origin takes nothing along that could authenticate', async () => {
    const other = await serve(echo);
    const origin = await serve((_request, response) => response.writeHead(307, { location: other }).end());
    const headers = { Authorization: 'secret', Cookie: 'secret', 'X-Api-Key': 'secret', Accept: 'text/x' };
    const { body } = await client()({ url: origin, headers });
    expect(text(body)).not.toContain('secret');
    expect(echoed(body).headers.accept).toBe('text/x');
  });

  test('is followed five times', async () => {
    let asked = 0;
    const origin = await serve((request, response) => {
      asked++;
      const left = Number(request.url?.slice(1));
      if (left > 0) response.writeHead(302, { location: `/${left - 1}` });
      response.end('there');
    });
    expect(text((await client()({ url: `${origin}/5` })).body)).toBe('there');
    asked = 0;
    await expect(client()({ url: `${origin}/99` })).rejects.toMatchObject({ code: 'too_many_redirects' });
    expect(asked).toBe(6);
  });

  test('without a place, or one that is asked for, is the answer', async () => {
    const origin = await serve((request, response) =>
      response.writeHead(302, request.url === '/to' ? { location: '/x' } : {}).end(),
    );
    const call = client();
    expect((await call({ url: `${origin}/none` })).status).toBe(302);
    expect((await call({ url: `${origin}/to`, final_statuses: [302] })).headers.location).toBe('/x');
  });

  test('to what is no URL is the server’s failure', async () => {
    const origin = await serve((_request, response) =>
      response.writeHead(302, { location: 'http://[' }).end(),
    );
    await expect(client()({ url: origin })).rejects.toMatchObject({ code: 'response_invalid' });
  });
});

describe('time', () => {
  const silent: RequestListener = () => undefined;
  const dripWith =
    (status: number): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { location: '/' });
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    };
  const drip = dripWith(200);

  test.each([
    ['no answer', silent],
    ['a body without end', drip],
    ['a redirect without end', dripWith(302)],
  ])('runs out at %s', async (_what, listener) => {
    const origin = await serve(listener);
    await expect(client({ timeout_ms: 150 })({ url: `${origin}/secret?key=secret` })).rejects.toMatchObject({
      code: 'timeout',
      message: '127.0.0.1 did not answer in time.',
    });
  });

  test('runs out at a name server that does not answer', async () => {
    const call = client({
      timeout_ms: 100,
      resolve: () => new Promise(() => undefined),
      connect_timeout_ms: 200,
    });
    await expect(call({ url: 'http://slow.example/' })).rejects.toMatchObject({ code: 'timeout' });
  });

  test.each([
    ['waiting', silent],
    ['reading', drip],
  ])('is up when the caller says so, while %s', async (_what, listener) => {
    const origin = await serve(listener);
    const controller = new AbortController();
    const reason = new Error('The run was cancelled.');
    setTimeout(() => controller.abort(reason), 100);
    await expect(client()({ url: origin }, controller.signal)).rejects.toBe(reason);
    await expect(client()({ url: origin }, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('trouble on the way', () => {
  test('a port where nobody listens', async () => {
    const origin = await serve(echo);
    await cleanups.pop()?.();
    await expect(client()({ url: `${origin}/path?key=secret` })).rejects.toMatchObject({
      code: 'connection_failed',
      message: 'The connection to 127.0.0.1 failed.',
    });
  });

  test('a name that does not exist', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    await expect(client({ resolve })({ url: 'http://none.example/' })).rejects.toMatchObject({
      code: 'dns_failed',
      message: 'The name none.example could not be resolved.',
    });
    await expect(
      client({ resolve: () => Promise.resolve([]) })({ url: 'http://none.example/' }),
    ).rejects.toMatchObject({ code: 'dns_failed' });
  });

  test.each([
    ['connection_failed', ''],
    ['response_invalid', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['response_invalid', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    [
      'response_invalid',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    ],
    ['response_invalid', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['connection_failed', 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello'],
  ])('%s for a server that says %j', async (code, bytes) => {
    const origin = await serveRaw(bytes);
    await expect(client()({ url: origin })).rejects.toMatchObject({ code });
  });

  test('a header that would write another one', async () => {
    let asked = 0;
    const origin = await serve((_request, response) => (asked++, response.end()));
    const call = client()({ url: origin, headers: { 'x-key': 'a\r\nHost: evil' } });
    await expect(call).rejects.toMatchObject({ code: 'request_invalid' });
    expect(asked).toBe(0);
  });

  test('a list that cannot be read', () => {
    expect(() => createGuardedFetch({ allow: ['http://x'] })).toThrow('is no host');
  });
});
