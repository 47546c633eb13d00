import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** How it answers from now on; 204 at first. */
  answer: (res: ServerResponse, request: Received) => void;
  close(): Promise<void>;
}

/** A server that webhooks are sent to. */
export async function receiver(): Promise<Receiver> {
  const self: Receiver = { url: '', received: [], answer: (res) => res.writeHead(204).end(), close };
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const request = { headers: req.headers, body: Buffer.concat(chunks).toString() };
      self.received.push(request);
      self.answer(res, request);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
  return self;

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}
