import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be blocked: connections stay, nothing passes any more. */
export interface TcpGate {
  address: string;
  block(): void;
  close(): void;
}

export async function tcpGate(target: string): Promise<TcpGate> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let is_blocked = false;
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => void (is_blocked || to.write(data)));
      from.on('error', () => undefined);
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    block: () => void (is_blocked = true),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
