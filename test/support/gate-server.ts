import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server that answers some and lets others wait. */
export interface GateServer {
  url: string;
  /** The paths that are asked for by somebody who waits. */
  waiting(): string[];
  close(): Promise<void>;
}

/** `statusOf` says what a path is answered with; null: never. */
export async function gateServer(statusOf: (path: string) => number | null): Promise<GateServer> {
  const waiting = new Map<object, string>();
  const server = createServer((request, response) => {
    const asked = request.url ?? '/';
    const status = statusOf(asked);
    if (status !== null) return void response.writeHead(status).end('so it is\n');
    waiting.set(response, asked);
    response.once('close', () => waiting.delete(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting: () => [...waiting.values()],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
