/** Readers that stop reading, on every kind of stream: they are disconnected, memory is bounded, and others are served. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { definition, transform } from '../../support/definitions.ts';
import { startApiProcess, type ApiProcess } from '../../support/api-process.ts';
import { eventually } from '../../support/eventually.ts';
import { readSocket, readSse } from '../../support/event-readers.ts';

const EVENTS = 2_000;
const EVENT_BYTES = 30_000;
const READERS_OF_EACH = 3;
/** Each is borne with for half a minute. */
const PATIENCE_SECONDS = 150;

let api: ApiProcess;
let run_id: string;
let thread_id: string;

beforeAll(async () => {
  api = await startApiProcess();
  await api.publish('watched', definition('watched', { a: transform(1) }));
  run_id = (await api.start('watched', {}, { executor: 'external' })).id;
  const asked = await api.call('POST', '/refinements', { workflow: 'watched', instructions: 'retry a' });
  thread_id = String(asked.body.thread_id);
  const client = new pg.Client({ connectionString: api.database.url });
  await client.connect();
  const text = `json_build_object('text', repeat('x', ${EVENT_BYTES}))`;
  await client.query(
    `WITH r AS (UPDATE run SET last_event_seq = last_event_seq + ${EVENTS} WHERE id = $1 RETURNING last_event_seq)
     INSERT INTO run_event (run_id, seq, type, data)
     SELECT $1, last_event_seq - ${EVENTS} + i, 'step.log', ${text} FROM r, generate_series(1, ${EVENTS}) AS i`,
    [run_id],
  );
  await client.query(
    `WITH p AS (UPDATE proposal SET last_frame_seq = last_frame_seq + ${EVENTS} WHERE thread_id = $1 RETURNING id, last_frame_seq)
     INSERT INTO proposal_frame (proposal_id, seq, type, time, data)
     SELECT id, last_frame_seq - ${EVENTS} + i, 'progress', now(), ${text} FROM p, generate_series(1, ${EVENTS}) AS i`,
    [thread_id],
  );
  await client.end();
});
afterAll(() => api?.remove());

/** A reader that asks, and reads nothing. */
async function stalled(path: string): Promise<Socket> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  socket.on('error', () => undefined);
  const upgrade = path.startsWith('/ws')
    ? `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n`
    : `Last-Event-ID: ${path === '/events/stream' ? `${run_id}:1` : '1'}\r\n`;
  socket.write(
    `GET /api/v1${path} HTTP/1.1\r\nHost: x\r\n${upgrade}Authorization: Bearer ${api.token}\r\n\r\n`,
  );
  return socket;
}

/** What is left in the buffers of a reader that was disconnected, once it reads again: far less than there was. */
async function received(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => void (bytes += chunk.length));
  const closed = once(socket, 'close');
  socket.resume();
  await closed;
  return bytes;
}

it('are disconnected where they stand, in bounded memory, while others are served', async () => {
  const paths = [
    `/runs/${run_id}/events/stream`,
    '/events/stream',
    `/ws/runs/${run_id}?last_event_id=1`,
    `/ws/runs?last_event_id=${run_id}:1`,
    `/ws/refinements/${thread_id}?last_event_id=1`,
  ];
  // Once without hurry, so that what reading itself takes is taken already.
  expect((await readSse(api, paths[0]!, '1', 300)).length).toBe(300);
  expect((await readSocket(api, `/runs/${run_id}`, '1', 300)).length).toBe(300);
  const before = api.peakBytes();
  const sockets = await Promise.all(
    paths.flatMap((path) => Array.from({ length: READERS_OF_EACH }, () => stalled(path))),
  );
  for (let i = 0; i < 5; i++) expect((await readSse(api, paths[0]!, '1000', 100)).length).toBe(100);
  // All of the backlog would be 60 MB for each of them.
  expect(api.peakBytes() - before).toBeLessThan(150_000_000);
  // The server gives each of them up, though they neither read nor leave.
  const ports = sockets.map((socket) => socket.localPort!);
  await eventually(() => ports.every((port) => !connectedPorts().has(port)), PATIENCE_SECONDS);
  for (const socket of sockets) expect(await received(socket)).toBeLessThan((EVENTS * EVENT_BYTES) / 2);
  expect((await api.call('GET', `/runs/${run_id}`)).status).toBe(200);
});

/** Ports of clients that the server has a connection with, as the system has it. */
function connectedPorts(): Set<number> {
  const own = Number(new URL(api.url).port);
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  const portOf = (address = '') => parseInt(address.split(':')[1] ?? '', 16);
  const ESTABLISHED = '01';
  return new Set(
    rows
      .map((row) => row.trim().split(/\s+/))
      .filter(([, local, , state]) => portOf(local) === own && state === ESTABLISHED)
      .map(([, , remote]) => portOf(remote)),
  );
}
