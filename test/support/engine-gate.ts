import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

/** Something on its way between a client and its Spec Engine. */
export interface Passing {
  /** `invoke` goes to the engine, `accepted` is its answer, `stream` asks for frames, `frame` is one of them. */
  what: 'invoke' | 'accepted' | 'stream' | 'frame' | 'state';
  thread_id: string;
  /** Type of the frame. */
  type?: string;
}

/** What becomes of it, once that is known; `cut`: the connection breaks instead. */
type Fate = Promise<'pass' | 'cut'> | 'pass' | 'cut';

export interface EngineGate {
  url: string;
  close(): Promise<void>;
}

/** Stands between the product and a Spec Engine that may be killed and come back; everything asks `at` before it passes. */
export async function engineGate(engine_url: string, at: (passing: Passing) => Fate): Promise<EngineGate> {
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((req, res) => {
    passRequest(req, res, { engine_url, at }).catch(() => res.destroy());
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const accept = (take: (client: WebSocket) => void) => sockets.handleUpgrade(req, socket, head, take);
    passStream(req.url ?? '/', { engine_url, at }, accept).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets.clients) socket.terminate();
        server.closeAllConnections();
      }),
  };
}

interface Way {
  engine_url: string;
  at: (passing: Passing) => Fate;
}

async function passRequest(
  req: IncomingMessage,
  res: ServerResponse,
  { engine_url, at }: Way,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const is_invoke = req.method === 'POST';
  const thread_id = is_invoke ? threadIn(body) : threadOf(req.url ?? '/');
  if ((await at({ what: is_invoke ? 'invoke' : 'state', thread_id })) === 'cut') return void res.destroy();
  const answer = await fetch(engine_url + req.url, {
    method: req.method,
    headers: { 'content-type': 'application/json' },
    body: is_invoke ? body : undefined,
  });
  const text = await answer.text();
  if (is_invoke && (await at({ what: 'accepted', thread_id })) === 'cut') return void res.destroy();
  res.writeHead(answer.status, { 'content-type': 'application/json' });
  res.end(text);
}

/** Frames wait behind the one that is held; the client is accepted once the engine has accepted the gate. */
async function passStream(
  url: string,
  { engine_url, at }: Way,
  accept: (take: (client: WebSocket) => void) => void,
): Promise<void> {
  const thread_id = threadOf(url);
  if ((await at({ what: 'stream', thread_id })) === 'cut') throw new Error('cut');
  const engine = new WebSocket(engine_url.replace('http', 'ws') + url);
  const client = new Promise<WebSocket>((resolve, reject) => {
    engine.once('open', () => accept(resolve));
    engine.once('error', reject);
  });
  engine.on('error', () => undefined);
  let passed: Promise<void> = Promise.resolve();
  const pass = (work: (to: WebSocket) => Promise<void> | void) => {
    passed = passed.then(async () => work(await client)).catch(() => undefined);
  };
  engine.on('message', (data: Buffer) =>
    pass(async (to) => {
      const { type } = JSON.parse(data.toString()) as { type: string };
      if ((await at({ what: 'frame', thread_id, type })) === 'cut') return to.terminate();
      to.send(data.toString());
    }),
  );
  engine.once('close', (code: number) => pass((to) => (code === 1_000 ? to.close(code) : to.terminate())));
  const to = await client;
  to.on('error', () => undefined);
  to.once('close', () => engine.terminate());
}

const threadIn = (body: Buffer) => (JSON.parse(body.toString()) as { thread_id: string }).thread_id;
const threadOf = (url: string) => /\/([\w-]+)(?:\?.*)?$/.exec(url)?.[1] ?? '';
