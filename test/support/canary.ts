import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on every address of this machine that nobody may call, and counts who does. */
export interface Canary {
  port: number;
  connections(): number;
  close(): Promise<void>;
}

export async function canary(): Promise<Canary> {
  let connections = 0;
  const server = createServer((_request, response) => response.end('canary'));
  server.on('connection', () => connections++);
  await new Promise<void>((done) => server.listen(0, done));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
