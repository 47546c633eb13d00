import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { rulesRefiner } from '../../../src/spec-engine/refine.ts';
import { heldRefiner, requestOf, RESULT, served, TOOLS } from './engines.ts';

type Served = Awaited<ReturnType<typeof served>>;
const running: Served[] = [];
async function start(options: Parameters<typeof served>[0] = { refiner: rulesRefiner(TOOLS) }) {
  const each = await served(options);
  running.push(each);
  return each.url;
}
afterEach(async () => {
  for (const { server } of running.splice(0)) await server.stop();
});

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${url}/spec-engine/invoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const problemOf = async (response: Response) => ({
  status: response.status,
  body: (await response.json()) as { code: string; errors?: { path: string }[] },
});

test.each<[string, unknown, number, string]>([
  ['no JSON', '{', 400, 'malformed_request'],
  ['JSON nested too deep', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, 400, 'malformed_request'],
  ['more than 1 MiB', JSON.stringify(requestOf('one', 'x'.repeat(1_100_000))), 413, 'payload_too_large'],
  ['a list', [], 422, 'validation_failed'],
  ['instructions that are too long', requestOf('one', 'x'.repeat(20_000)), 422, 'validation_failed'],
  ['a name of a thread that is none', requestOf('../state'), 422, 'validation_failed'],
  ['an unknown member', { ...requestOf('one'), url: 'http://example.com' }, 422, 'validation_failed'],
])('a body that is %s is refused', async (_name, body, status, code) => {
  const answer = await problemOf(await post(await start(), body));
  expect([answer.status, answer.body.code]).toEqual([status, code]);
});

test('every problem of a body is named at once', async () => {
  const { body } = await problemOf(
    await post(await start(), {
      thread_id: '',
      instructions: 1,
      context: { definition: [], files: { a: 1 } },
    }),
  );
  expect(body.errors?.map(({ path }) => path)).toEqual([
    '/thread_id',
    '/instructions',
    '/context/definition',
    '/context/files/a',
  ]);
});

test.each<[string, string, number]>([
  ['GET', '/', 404],
  ['GET', '/spec-engine/state', 404],
  ['GET', '/spec-engine/state/a%2fb', 404],
  ['GET', '/spec-engine/state/unknown', 404],
  ['GET', '/spec-engine/invoke', 405],
  ['PUT', '/spec-engine/state/one', 405],
  ['GET', '/spec-engine/stream/one', 426],
  ['DELETE', '/spec-engine/state/one', 204],
  ['GET', '/health', 200],
])('%s %s is answered with %i', async (method, path, status) => {
  expect((await fetch((await start()) + path, { method })).status).toBe(status);
});

test('a media type that is not JSON is refused', async () => {
  expect((await post(await start(), '{}', { 'content-type': 'text/plain' })).status).toBe(415);
});

test('without the token nothing but the health is answered', async () => {
  const url = await start({ refiner: rulesRefiner(TOOLS), token: 'right' });
  for (const authorization of ['', 'Bearer wrong', 'Bearer right2', 'Basic right'])
    expect((await post(url, requestOf('one'), { authorization })).status).toBe(401);
  expect((await post(url, requestOf('one'), { authorization: 'Bearer right' })).status).toBe(202);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/spec-engine/stream/one`);
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error.message).toContain('401');
});

async function streamed(url: string, query = ''): Promise<{ seqs: number[]; code: number }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/spec-engine/stream/one${query}`);
  const seqs: number[] = [];
  socket.on('message', (data: Buffer) => seqs.push((JSON.parse(data.toString()) as { seq: number }).seq));
  const [code] = (await once(socket, 'close')) as [number];
  return { seqs, code };
}

test('a stream begins behind the frame that is named, and closes behind the end', async () => {
  const url = await start();
  await post(url, requestOf('one'));
  expect(await streamed(url)).toEqual({ seqs: [1, 2, 3, 4, 5], code: 1000 });
  expect(await streamed(url, '?after=3')).toEqual({ seqs: [4, 5], code: 1000 });
  expect(await streamed(url, '?after=5')).toEqual({ seqs: [], code: 1000 });
  await expect(streamed(url, '?after=-1')).rejects.toThrow('400');
});

test('who looks on while a thread is forgotten is told by the close', async () => {
  const { refiner, waiting } = heldRefiner();
  const url = await start({ refiner });
  await post(url, requestOf('one'));
  const looking = streamed(url);
  await eventually(() => waiting.length > 0 || undefined);
  await fetch(`${url}/spec-engine/state/one`, { method: 'DELETE' });
  expect((await looking).code).toBe(1001);
});

test('a reader that takes nothing is cut off, and the others are not kept from reading', async () => {
  const { refiner, waiting } = heldRefiner();
  const url = await start({ refiner, stall_ms: 200 });
  await post(url, requestOf('one'));
  const port = Number(new URL(url).port);
  const slow = connect(port, '127.0.0.1');
  slow.on('error', () => undefined);
  slow.write(
    'GET /spec-engine/stream/one HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  slow.pause();
  const reading = streamed(url);
  await eventually(() => waiting.length > 0 || undefined);
  for (let i = 0; i < 400; i++) waiting[0]!.onProgress('x'.repeat(100_000));
  waiting[0]!.resolve(RESULT);
  expect((await reading).code).toBe(1000);
  const [{ server }] = running as [Served];
  await server.stop({ grace_ms: 60_000 });
  running.length = 0;
  slow.destroy();
});

test('threads are bounded: who is too many comes later, and the oldest that have ended go', async () => {
  const { refiner, waiting } = heldRefiner();
  const url = await start({ refiner, limits: { working: 2, threads: 3 } });
  for (const id of ['a', 'b']) expect((await post(url, requestOf(id))).status).toBe(202);
  const full = await post(url, requestOf('c'));
  expect([full.status, full.headers.get('retry-after')]).toEqual([503, '2']);
  for (const each of waiting) each.resolve(RESULT);
  for (const id of ['c', 'd']) {
    await eventually(async () => ((await post(url, requestOf(id))).status === 202 ? true : undefined));
    await eventually(() => waiting.length > (id === 'c' ? 2 : 3) || undefined);
    waiting.at(-1)!.resolve(RESULT);
  }
  const known = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (id) => (await fetch(`${url}/spec-engine/state/${id}`)).status),
  );
  expect(known).toEqual([404, 200, 200, 200]);
});

test('threads go when they are old, and when all together are too large', async () => {
  let now_ms = 0;
  const url = await start({
    refiner: rulesRefiner(TOOLS),
    now: () => now_ms,
    limits: { age_ms: 1_000, bytes: 4_000 },
  });
  const statusOf = async (id: string) => (await fetch(`${url}/spec-engine/state/${id}`)).status;
  await post(url, requestOf('old'));
  now_ms = 2_000;
  await post(url, requestOf('young'));
  expect([await statusOf('old'), await statusOf('young')]).toEqual([404, 200]);
  for (let i = 0; i < 20; i++) await post(url, requestOf(`t${i}`));
  expect([await statusOf('t0'), await statusOf('t19')]).toEqual([404, 200]);
});

test('work that takes too long fails, and is given up', async () => {
  const url = await start({ refiner: heldRefiner().refiner, work_ms: 20 });
  await post(url, requestOf('one'));
  const state = await eventually(async () => {
    const body = (await (await fetch(`${url}/spec-engine/state/one`)).json()) as {
      status: string;
      error?: { code: string };
    };
    return body.status === 'failed' ? body : undefined;
  });
  expect(state.error).toEqual({ code: 'overloaded', message: 'The work took longer than allowed.' });
});
