import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

export interface OddAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Text as it is, or JSON. */
  body?: unknown;
  /** Nothing is ever answered. */
  never?: boolean;
  /** The connection is cut. */
  cut?: boolean;
}

export interface OddEngine {
  url: string;
  /** `POST /spec-engine/invoke`, upgrades too. */
  calls: string[];
  bodies: string[];
  /** The next answers; the last one stays. */
  invoke: OddAnswer[];
  state: OddAnswer[];
  /** What is done with each next socket; without it the upgrade is refused. The last one stays. */
  stream: ((socket: WebSocket, after: number) => void)[];
  close(): Promise<void>;
}

/** A Spec Engine that does what it is told, protocol or not. */
export async function oddEngine(): Promise<OddEngine> {
  const server = createServer((req, res) => void answer(self, req, res));
  const sockets = new WebSocketServer({ noServer: true });
  const self: OddEngine = {
    url: '',
    calls: [],
    bodies: [],
    invoke: [{ status: 202, body: {} }],
    state: [],
    stream: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets.clients) socket.terminate();
        server.closeAllConnections();
      }),
  };
  server.on('upgrade', (req, socket, head) => {
    self.calls.push(`WS ${req.url}`);
    const act = next(self.stream);
    if (!act) return void socket.end('HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n');
    sockets.handleUpgrade(req, socket, head, (accepted) => {
      accepted.on('error', () => undefined);
      act(accepted, Number(/after=(\d+)/.exec(req.url ?? '')?.[1]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return self;
}

async function answer(self: OddEngine, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  self.calls.push(`${req.method} ${req.url}`);
  self.bodies.push(Buffer.concat(chunks).toString());
  const odd = req.method === 'POST' ? next(self.invoke) : next(self.state);
  if (odd?.never) return;
  if (odd?.cut) return void req.socket.destroy();
  const { status = 200, headers = {}, body = '' } = odd ?? { status: 404 };
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

function next<T>(list: T[]): T | undefined {
  return list.length > 1 ? list.shift() : list[0];
}
