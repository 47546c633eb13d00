import { connect } from 'node:net';
import { z } from 'zod';
import { listeningApi, TOKEN, type TestApi } from './app-fixture.ts';
import { lastEventId, streamEvents } from './event-stream.ts';
import { route } from './route.ts';
import { fakeLog, until } from './stream-fixture.ts';
import type { StreamPace } from './stream-pump.ts';

let log = fakeLog();
let extra: Partial<StreamPace> = {};
let api: TestApi;

beforeAll(async () => {
  const stream = route({
    method: 'get',
    path: '/stream',
    group: 'x',
    summary: 'Stream.',
    query: z.object({}),
    responses: { 200: { description: 'Events.', media_type: 'text/event-stream' } },
    handler: ({ req, res }) =>
      streamEvents<number>({
        req,
        res,
        from: lastEventId(req),
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

const idsOf = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
const open = (headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(`${api.url}/api/v1/stream`, { headers: { authorization: `Bearer ${TOKEN}`, ...headers }, signal });

/** Connects, reads until `count` events have come or the stream ends, and hangs up in the middle of things. */
async function readSome(last_event_id: number, count: number): Promise<number[]> {
  const abort = new AbortController();
  const response = await open({ 'last-event-id': String(last_event_id) }, abort.signal);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (idsOf(text).length >= count) break;
  }
  abort.abort();
  return idsOf(text.slice(0, text.lastIndexOf('\n\n') + 2));
}

describe('an event stream', () => {
  it('sends what there is and what comes, and ends after the final event', async () => {
    for (let i = 0; i < 25; i++) log.add('step');
    const response = await open();
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const text = response.text();
    await until(() => log.listeners.size === 1);
    log.add('step', 'line\nbreak');
    log.add('end');
    log.add('after');
    const all = await text;
    expect(idsOf(all)).toEqual(Array.from({ length: 27 }, (_, index) => index + 1));
    expect(all).toContain('id: 26\nevent: step\ndata: {"seq":26,"type":"step","text":"line\\nbreak"}\n\n');
    expect(log.listeners.size).toBe(0);
  });

  it('goes on after Last-Event-ID without a gap or a double, over many disconnects', async () => {
    const seen: number[] = [];
    const writer = setInterval(() => log.add(log.events.length < 200 ? 'step' : 'end'), 2);
    for (let visit = 0; visit < 100 && seen.at(-1) !== 201; visit++)
      seen.push(...(await readSome(seen.at(-1) ?? 0, 10)));
    clearInterval(writer);
    expect(seen.at(-1)).toBe(201);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1));
    await until(() => log.listeners.size === 0);
  });

  it('answers 204 when everything was seen, so that a browser stops asking', async () => {
    log.add('end');
    expect((await open({ 'last-event-id': '1' })).status).toBe(204);
    expect(log.listeners.size).toBe(0);
  });

  it.each(['x', '-1', '1.5'])('refuses the Last-Event-ID %s', async (id) => {
    expect((await open({ 'last-event-id': id })).status).toBe(400);
  });

  it('shows that it is alive, and finds what no notification told of', async () => {
    extra = { heartbeat_ms: 20 };
    const response = await open();
    const text = response.text();
    await until(() => log.fetched > 2);
    log.events.push({ seq: 1, type: 'end' });
    expect(await text).toMatch(/: keep-alive\n\n[\s\S]*id: 1\n/);
  });

  it('ends at shutdown, and tidies up when the reader leaves', async () => {
    const shutdown = new AbortController();
    extra = { signal: shutdown.signal };
    const first = (await open()).text();
    const leaving = new AbortController();
    await open({}, leaving.signal);
    await until(() => log.listeners.size === 2);
    leaving.abort();
    await until(() => log.listeners.size === 1);
    shutdown.abort();
    expect(idsOf(await first)).toEqual([]);
    await until(() => log.listeners.size === 0);
  });

  it('cuts off a stream whose store fails, so that the reader comes back', async () => {
    const response = await open();
    await until(() => log.listeners.size === 1);
    extra = {};
    log.feed.fetchAfter = () => Promise.reject(new Error('away'));
    log.add('step');
    await expect(response.text()).rejects.toThrow();
    expect(log.listeners.size).toBe(0);
  });
});

describe('a reader that does not read', () => {
  it('is disconnected, and holds no more than a bounded part of the backlog', async () => {
    extra = { stall_ms: 300 };
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(`GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
    for (let i = 0; i < 2_000; i++) log.add('step', 'x'.repeat(30_000));
    await until(() => log.fetched > 0);
    const before = process.memoryUsage();
    await until(() => log.listeners.size === 0);
    const after = process.memoryUsage();
    expect(log.fetched).toBeLessThan(190);
    expect(after.external - before.external).toBeLessThan(16_000_000);
    socket.destroy();
  });
});
