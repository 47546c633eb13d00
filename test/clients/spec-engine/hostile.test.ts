import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebSocket } from 'ws';
import type { EngineFrame, FrameType } from '../../../src/contract/spec-engine.ts';
import { rulesRefiner } from '../../../src/spec-engine/refine.ts';
import { oddEngine, type OddAnswer, type OddEngine } from '../../support/spec-engine-server.ts';
import { hasty, requestOf, RESULT, served, signal, TOOLS } from './engines.ts';

let engine: OddEngine;
let frames: EngineFrame[];
beforeEach(async () => {
  engine = await oddEngine();
  frames = [];
});
afterEach(() => engine.close());

const frame = (seq: number, type: FrameType = 'progress', data = {}) =>
  JSON.stringify({ seq, type, time: '2026-01-01T00:00:00Z', data });
const done = { body: { thread_id: 'one', status: 'completed', result: RESULT, last_seq: 9 } };
const busy = { body: { thread_id: 'one', status: 'processing', last_seq: 1 } };
const sends =
  (...texts: string[]) =>
  (socket: WebSocket) => {
    for (const text of texts) socket.send(text);
    socket.close();
  };

async function refine(options: Parameters<typeof hasty>[1] = {}) {
  const client = hasty(engine.url, options);
  try {
    return await client.refine(requestOf('one'), signal, (each) => frames.push(each));
  } finally {
    await client.close();
  }
}
const seqs = () => frames.map(({ seq }) => seq);
const count = (start: string) => engine.calls.filter((call) => call.startsWith(start)).length;

test('a stream that breaks is taken up behind the last frame that was seen', async () => {
  engine.state = [busy, busy, done];
  engine.stream = [sends(frame(1), frame(2)), sends(frame(3)), sends(frame(4), frame(5, 'end'))];
  expect(await refine()).toEqual(RESULT);
  expect(seqs()).toEqual([1, 2, 3, 4, 5]);
  expect(engine.calls.filter((call) => call.startsWith('WS'))).toEqual(
    [0, 2, 3].map((after) => `WS /spec-engine/stream/one?after=${after}`),
  );
});

test('where there is no stream, the state is asked for until it is final', async () => {
  engine.state = [...Array.from({ length: 12 }, () => busy), done];
  expect(await refine()).toEqual(RESULT);
  expect(count('GET')).toBe(13);
  expect(count('WS')).toBeLessThan(13);
});

test('the state counts, whatever the stream said', async () => {
  engine.state = [done];
  engine.stream = [sends(frame(1, 'patch', { patch: [{ op: 'remove', path: '/nodes' }] }), frame(2, 'end'))];
  expect(await refine()).toEqual(RESULT);
});

test('an engine that says error and then end has failed, also when its state says otherwise', async () => {
  engine.state = [done];
  engine.stream = [
    sends(frame(1, 'error', { code: 'boom', message: 'It broke.' }), frame(2, 'status'), frame(3, 'end')),
  ];
  await expect(refine()).rejects.toMatchObject({
    code: 'failed',
    message: 'It broke.',
    details: { engine_code: 'boom' },
  });
});

test('an error that the engine got over is none', async () => {
  engine.state = [done];
  engine.stream = [sends(frame(1, 'error'), frame(2, 'patch'), frame(3, 'end'))];
  expect(await refine()).toEqual(RESULT);
});

test('an engine that has forgotten the thread is asked again, and at last given up', async () => {
  engine.state = [{ status: 404 }, done];
  expect(await refine()).toEqual(RESULT);
  expect(count('POST')).toBe(2);
  engine.state = [{ status: 404 }];
  await expect(refine()).rejects.toMatchObject({ code: 'unavailable' });
});

test('requests that fail are sent again, the same body each time', async () => {
  engine.invoke = [{ status: 503 }, { cut: true }, { status: 202, body: {} }];
  engine.state = [{ status: 500 }, { cut: true }, done];
  expect(await refine()).toEqual(RESULT);
  expect(count('POST')).toBe(3);
  expect(new Set(engine.bodies.filter((body) => body !== '')).size).toBe(1);
});

test.each([400, 401, 403, 409, 413, 422])('a refusal with %i is not tried again', async (status) => {
  engine.invoke = [{ status, body: { detail: 'secret' } }];
  await expect(refine()).rejects.toMatchObject({
    code: 'refused',
    message: `The Spec Engine refused the request with ${status}.`,
    details: { status },
  });
  expect(count('POST')).toBe(1);
});

test.each<[string, OddAnswer]>([
  ['HTML', { body: '<html>', headers: { 'content-type': 'text/html' } }],
  ['nothing', { body: '' }],
  ['a list', { body: [] }],
  ['another thread', { body: { ...done.body, thread_id: 'two' } }],
  ['a completed thread without a result', { body: { ...done.body, result: undefined } }],
  [
    'a patch of another form',
    { body: { ...done.body, result: { ...RESULT, patch: [{ op: 'spam', path: '/a' }] } } },
  ],
  ['a text that cannot be stored', { body: { ...done.body, result: { ...RESULT, message: '\u0000' } } }],
  ['more than 1 MiB', { body: JSON.stringify({ ...done.body, pad: 'x'.repeat(1_100_000) }) }],
  ['JSON that is nested too deep', { body: `${'['.repeat(50_000)}${']'.repeat(50_000)}` }],
  ['a redirect', { status: 302, headers: { location: 'http://169.254.169.254/latest' } }],
  ['a status that means nothing', { status: 299 }],
])('%s for a state is no result', async (_name, answer) => {
  engine.state = [answer];
  await expect(refine()).rejects.toMatchObject({ code: 'unavailable' });
});

test('a redirect is not followed, wherever it leads', async () => {
  let arrived = 0;
  const canary = createServer((_req, res) => (arrived++, res.end('{}')));
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  engine.invoke = [
    { status: 307, headers: { location: `http://127.0.0.1:${(canary.address() as AddressInfo).port}/` } },
  ];
  await expect(refine()).rejects.toMatchObject({ code: 'unavailable' });
  expect(arrived).toBe(0);
  canary.close();
});

test.each<[string, (socket: WebSocket) => void]>([
  ['binary messages', (socket) => (socket.send(Buffer.from(frame(1))), socket.close())],
  ['what is no JSON', sends('<html>', '{', '[]', '{"seq":"1"}')],
  ['a frame above 1 MiB', (socket) => socket.send(frame(1, 'progress', { pad: 'x'.repeat(1_100_000) }))],
  ['a number of a frame that is none', sends(frame(-1), frame(0), frame(1.5), frame(2 ** 60))],
])('a stream with %s brings no frame, and the state is taken', async (_name, act) => {
  engine.stream = [act];
  engine.state = [busy, done];
  expect(await refine()).toEqual(RESULT);
  expect(frames).toEqual([]);
});

test('frames that come again or go backwards are passed over, and at last the stream is left', async () => {
  engine.stream = [
    (socket) => {
      for (const seq of [1, 2, 2, 1]) socket.send(frame(seq));
      for (let i = 0; i < 500; i++) socket.send(frame(1));
    },
  ];
  engine.state = [busy, done];
  expect(await refine()).toEqual(RESULT);
  expect(seqs()).toEqual([1, 2]);
});

test('a stream that never ends is left after so many frames', async () => {
  engine.stream = [
    (socket) => {
      for (let seq = 1; seq <= 12_000; seq++) socket.send(frame(seq));
    },
  ];
  engine.state = [done];
  expect(await refine()).toEqual(RESULT);
  expect(frames).toHaveLength(10_000);
});

test('an engine that is never done is given up, and one that never answers too', async () => {
  engine.state = [busy];
  await expect(refine({ work_ms: 200 })).rejects.toMatchObject({
    code: 'unavailable',
    message: 'The Spec Engine did not finish in time.',
  });
  engine.invoke = [{ never: true }];
  await expect(refine({ timeout_ms: 50, attempts: 2 })).rejects.toMatchObject({ code: 'unavailable' });
  engine.invoke = [{ status: 202 }];
  engine.stream = [() => undefined];
  engine.state = [done];
  expect(await refine({ timeout_ms: 50 })).toEqual(RESULT);
});

test('an engine that fails again and again is left alone', async () => {
  engine.invoke = [{ status: 500 }];
  const client = hasty(engine.url, { attempts: 1, failures: 3, open_ms: 60_000 });
  for (let i = 0; i < 3; i++)
    await expect(client.refine(requestOf('one'), signal)).rejects.toThrow('answered 500');
  await expect(client.refine(requestOf('one'), signal)).rejects.toMatchObject({
    code: 'unavailable',
    details: { retry_after_seconds: 60 },
  });
  expect(count('POST')).toBe(3);
  await client.close();
});

test('an engine that is killed while it works and comes back is asked again', async () => {
  const refiner = { engine: 'rules' as const, refine: () => new Promise<never>(() => undefined) };
  const { server, url } = await served({ refiner });
  const client = hasty(url, { attempts: 100 });
  let told = () => {};
  const begun = new Promise<void>((resolve) => (told = resolve));
  const asked = client.refine(requestOf('one'), signal, () => told());
  await begun;
  await server.stop();
  const again = await served({ refiner: rulesRefiner(TOOLS), address: `127.0.0.1:${server.port}` });
  expect((await asked).understood).toBe(true);
  await client.close();
  await again.server.stop();
});
