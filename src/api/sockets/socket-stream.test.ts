import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { listeningApi, TOKEN, type TestApi } from '../app-fixture.ts';
import { route } from '../route.ts';
import { fakeLog, until } from '../stream-fixture.ts';
import type { StreamPace } from '../stream-pump.ts';
import { streamToSocket } from './socket-stream.ts';

let log = fakeLog();
let extra: Partial<StreamPace> = {};
let api: TestApi;

beforeAll(async () => {
  const stream = route({
    method: 'get',
    path: '/ws/stream',
    group: 'x',
    summary: 'Stream.',
    query: z.strictObject({ last_event_id: z.coerce.number().int().min(0).default(0) }),
    responses: { 101: { description: 'Events.' } },
    handler: ({ req, res, query }) =>
      streamToSocket<number>({
        req,
        res,
        from: query.last_event_id,
        feed: log.feed,
        isOver: () => Promise.resolve(log.events.at(-1)?.type === 'end'),
        ...extra,
      }),
  });
  api = await listeningApi([stream]);
});
afterAll(() => api.close());
beforeEach(() => {
  log = fakeLog();
  extra = {};
});

const address = (query = '') => `${api.url.replace('http', 'ws')}/api/v1/ws/stream${query}`;
const AUTHORIZED = { headers: { authorization: `Bearer ${TOKEN}` } };
const open = (query = '') => new WebSocket(address(query), AUTHORIZED);

interface Visit {
  ids: number[];
  code: number;
}

/** What a socket gets until it is closed; leaves by itself after `count` frames. */
function visit(socket: WebSocket, count = Infinity): Promise<Visit> {
  const ids: number[] = [];
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      if (ids.length < count) ids.push(Number((JSON.parse(data.toString()) as { id: string }).id));
      if (ids.length >= count) socket.terminate();
    });
    socket.once('error', reject);
    socket.once('close', (code) => resolve({ ids, code }));
  });
}

const refusalOf = (socket: WebSocket) =>
  new Promise<{ status: number; body: { code: string } }>((resolve, reject) => {
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as { code: string } }),
      );
    });
    socket.once('error', reject);
    socket.once('open', () => reject(new Error('it was accepted')));
  });

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('a stream over a WebSocket', () => {
  it('sends what there is and what comes, and ends after the last event', async () => {
    for (let i = 0; i < 25; i++) log.add('step');
    const seen = visit(open());
    await until(() => log.listeners.size === 1);
    log.add('end');
    log.add('after');
    expect(await seen).toEqual({ ids: range(26), code: 1000 });
    expect(log.listeners.size).toBe(0);
  });

  it('goes on after the last id without a gap or a double, over many disconnects', async () => {
    const seen: number[] = [];
    const writer = setInterval(() => log.add(log.events.length < 200 ? 'step' : 'end'), 2);
    let visits = 0;
    for (; visits < 100 && seen.at(-1) !== 201; visits++)
      seen.push(...(await visit(open(`?last_event_id=${seen.at(-1) ?? 0}`), 8)).ids);
    clearInterval(writer);
    expect(visits).toBeGreaterThan(20);
    expect(seen).toEqual(range(201));
    await until(() => log.listeners.size === 0);
  });

  it('ends at once when everything was seen', async () => {
    log.add('end');
    expect(await visit(open('?last_event_id=1'))).toEqual({ ids: [], code: 1000 });
  });

  it('says at shutdown that the server goes away', async () => {
    const shutdown = new AbortController();
    extra = { signal: shutdown.signal };
    const seen = visit(open());
    await until(() => log.listeners.size === 1);
    shutdown.abort();
    expect((await seen).code).toBe(1001);
    await until(() => log.listeners.size === 0);
  });

  it('is closed with 1011 when the store fails, so that the reader comes back', async () => {
    const seen = visit(open());
    await until(() => log.listeners.size === 1);
    log.feed.fetchAfter = () => Promise.reject(new Error('away'));
    log.add('step');
    expect((await seen).code).toBe(1011);
    expect(log.listeners.size).toBe(0);
  });

  it('drops a peer that does not answer a ping', async () => {
    extra = { heartbeat_ms: 30 };
    const socket = new WebSocket(address(), { ...AUTHORIZED, autoPong: false });
    expect((await visit(socket)).code).toBe(1006);
    extra = { heartbeat_ms: 30 };
    const answering = open();
    let pings = 0;
    answering.on('ping', () => pings++);
    await until(() => pings > 3);
    expect(answering.readyState).toBe(WebSocket.OPEN);
    answering.terminate();
  });

  it('is no place to send anything large to', async () => {
    const socket = open();
    const seen = visit(socket);
    socket.once('open', () => socket.send('x'.repeat(2_000)));
    expect((await seen).code).toBe(1009);
  });
});

describe('who may open one', () => {
  it('takes the token as a header, as a subprotocol, or in the address', async () => {
    log.add('end');
    const protocols = new WebSocket(address(), ['orchestrator.v1', `bearer.${TOKEN}`]);
    expect((await visit(protocols)).code).toBe(1000);
    expect(protocols.protocol).toBe('orchestrator.v1');
    expect((await visit(new WebSocket(address(`?last_event_id=1&access_token=${TOKEN}`)))).code).toBe(1000);
    expect((await visit(new WebSocket(address().replace('/api/v1', '/api'), AUTHORIZED))).code).toBe(1000);
  });

  it('refuses as HTTP does: with a problem document, before the handshake', async () => {
    expect(await refusalOf(new WebSocket(address()))).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
    expect((await refusalOf(new WebSocket(address('?access_token=wrong')))).status).toBe(401);
    expect((await refusalOf(open('?last_event_id=x'))).status).toBe(422);
    expect((await refusalOf(open('?other=1'))).status).toBe(400);
    expect((await refusalOf(new WebSocket(address().replace('/stream', '/none'), AUTHORIZED))).status).toBe(
      404,
    );
  });

  it('answers 426 to what is no WebSocket', async () => {
    const answer = await api.call('GET', '/api/v1/ws/stream');
    expect(answer.status).toBe(426);
    expect(answer.headers.get('upgrade')).toBe('websocket');
  });

  it.each([
    ['another version', 'Upgrade: websocket\r\nSec-WebSocket-Version: 7', '400'],
    ['no key', 'Upgrade: websocket\r\nSec-WebSocket-Version: 13', '400'],
    ['another protocol', 'Upgrade: h2c', '426'],
    ['a body', 'Upgrade: websocket\r\nContent-Length: 3', '400'],
  ])('refuses a handshake with %s', async (_name, headers, status) => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write(
      `GET /api/v1/ws/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nAuthorization: Bearer ${TOKEN}\r\n${headers}\r\n\r\n`,
    );
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text.split(' ')[1]).toBe(status);
  });
});

describe('a reader that does not read', () => {
  it('is disconnected, and holds no more than a bounded part of the backlog', async () => {
    extra = { stall_ms: 300 };
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(
      `GET /api/v1/ws/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16, 1).toString('base64')}\r\n` +
        `Authorization: Bearer ${TOKEN}\r\n\r\n`,
    );
    for (let i = 0; i < 2_000; i++) log.add('step', 'x'.repeat(30_000));
    await until(() => log.fetched > 0);
    const before = process.memoryUsage();
    await until(() => log.listeners.size === 0);
    const after = process.memoryUsage();
    expect(log.fetched).toBeLessThan(190);
    expect(after.external - before.external).toBeLessThan(16_000_000);
    socket.destroy();
  });

  it('is disconnected at once by more than the buffer cap', async () => {
    extra = { buffer_cap_bytes: 200_000 };
    const socket = open();
    const seen = visit(socket);
    await until(() => socket.readyState === WebSocket.OPEN && log.listeners.size === 1);
    socket.pause();
    // More than any kernel buffers, in one message.
    log.add('step', 'x'.repeat(40_000_000));
    await until(() => log.listeners.size === 0);
    socket.resume();
    expect([1006, 1013]).toContain((await seen.catch(() => ({ code: 1006 }))).code);
  });
});
