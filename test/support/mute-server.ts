import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Takes connections and never says a word. */
export interface MuteServer {
  port: number;
  /** Who is connected. */
  sockets: ReadonlySet<Socket>;
  close(): void;
}

export async function muteServer(): Promise<MuteServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets, close: () => void server.close() };
}
