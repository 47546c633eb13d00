import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demoClient } from '../../src/dev/demo-client.ts';
import { followRun, readEvents, type RunEvent } from '../../src/dev/demo-stream.ts';
import { progressOf } from '../../src/dev/demo-table.ts';

const event = (seq: number, type: string, data: Record<string, unknown> = {}): RunEvent => ({
  seq,
  type,
  time: `2024-01-01T00:00:0${seq}.000Z`,
  data,
});
const LOG = [
  event(1, 'run.queued'),
  event(2, 'run.started'),
  event(3, 'step.started', { node: 'validate', attempt: 2 }),
  event(4, 'step.succeeded', { node: 'validate', attempt: 2 }),
  event(5, 'run.completed'),
];
const block = (one: RunEvent): string =>
  `id: ${one.seq}\nevent: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`;

describe('the event stream of the demo', () => {
  test('is read whole, however the bytes are cut, and comments are left out', async () => {
    const bytes = new TextEncoder().encode(`: hello\n\n${LOG.map(block).join(': ping\n\n')}`);
    for (const size of [1, 7, 64, bytes.length]) {
      expect(await collect(inPieces(bytes, size))).toEqual(LOG);
    }
  });

  test('goes on after the last event seen when the connection breaks', async () => {
    const asked: (string | undefined)[] = [];
    const { seen } = await follow((after, response) => {
      asked.push(after);
      // One event per connection, then it is cut off.
      response.write(block(LOG[Number(after ?? 0)]!), () => setTimeout(() => response.destroy(), 20));
    });
    expect(seen).toEqual(LOG);
    expect(asked).toEqual([undefined, '1', '2', '3', '4']);
  });

  test('a missing event is an error, not a detail', async () => {
    const gap = follow((_after, response) => void response.end(block(LOG[0]!) + block(LOG[2]!)));
    await expect(gap).rejects.toThrow('event 3 came after event 1');
  });
});

describe('the progress of the demo', () => {
  test('is one line per event where there is no terminal', () => {
    const { text, progress } = screen(false);
    for (const one of LOG) progress.show(one);
    progress.close();
    expect(text().split('\n')[2]).toBe('    3  step.started       validate');
    expect(text().trimEnd().split('\n')).toHaveLength(LOG.length);
  });

  test('is a table on a terminal, redrawn in place, with the times of the events', () => {
    const { text, progress } = screen(true);
    for (const one of LOG) progress.show(one);
    progress.close();
    const last = text().split('\x1b[3A').at(-1)!.replaceAll('\x1b[2K', '');
    expect(last).toMatch(/✔ validate +succeeded +1\.0 s +attempt 2/);
    expect(last).toMatch(/· report +pending/);
    expect(last).toMatch(/run +completed +4\.0 s/);
  });
});

function screen(is_tty: boolean) {
  let written = '';
  const progress = progressOf(['validate', 'report'], { is_tty, write: (text) => void (written += text) });
  return { progress, text: () => written };
}

async function collect(body: ReadableStream<Uint8Array>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  for await (const one of readEvents(body)) all.push(one);
  return all;
}

function inPieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

/** Follows a run on a server that answers each connection with `answer`. */
async function follow(answer: (last_event_id: string | undefined, response: ServerResponse) => void) {
  const seen: RunEvent[] = [];
  const server: Server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    answer(request.headers['last-event-id'] as string | undefined, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const none = {
    admin_email: '',
    admin_password: '',
    temporal_address: '',
    temporal_ui_url: '',
    database_url: '',
    metrics_url: '',
  };
  try {
    await followRun(demoClient({ api_url, token: 't', ...none }), 'r', (one) => seen.push(one));
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return { seen };
}
