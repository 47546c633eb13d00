/**
 * Three HTTP sources for the `fan-in` example, unreliable on purpose:
 * `/orders` answers 503 twice, then once properly, and so on; `/stock` drops every other connection;
 * `/forecast` never works. Start it with `npx tsx examples/source-server.ts [port]` (8099 unless named; 0 = any free one).
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';

const ORDERS = [
  { id: 1001, sku: 'bolt-m8', count: 120, open: true },
  { id: 1002, sku: 'nut-m8', count: 120, open: true },
  { id: 1003, sku: 'washer-m8', count: 40, open: false },
];

const STOCK = [
  { sku: 'bolt-m8', count: 350 },
  { sku: 'nut-m8', count: 4 },
  { sku: 'washer-m8', count: 9 },
];

/** A server whose failures come in a fixed order, so that every run meets the same ones. */
export function sourceServer(): Server {
  const asked = new Map<string, number>();
  return createServer((request, response) => {
    const source = request.url ?? '/';
    const nth = (asked.get(source) ?? 0) + 1;
    asked.set(source, nth);
    answer(source, nth, response);
  });
}

function answer(source: string, nth: number, response: ServerResponse): void {
  switch (source) {
    case '/orders':
      return nth % 3 === 0 ? send(response, 200, ORDERS) : send(response, 503, { error: 'busy, try again' });
    case '/stock':
      return nth % 2 === 0 ? send(response, 200, STOCK) : void response.destroy();
    case '/forecast':
      return send(response, 500, { error: 'out of order' });
    default:
      return send(response, 404, { error: 'no such source' });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

const isProgram = process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href;
if (isProgram) {
  const server = sourceServer();
  server.listen(Number(process.argv[2] ?? 8099), '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    console.log(`Sources on http://127.0.0.1:${port}: /orders /stock /forecast (Ctrl-C stops them)`);
  });
}
