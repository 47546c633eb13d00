import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FlakyServer {
  url: string;
  /** How often each path was asked for. */
  asked: Map<string, number>;
  close(): Promise<void>;
}

/**
 * Answers `{path, times}`. A path ending in `/fail-<n>` answers 500 the first n times, and one with `/slow-<ms>` in it takes
 * that long.
 */
export async function startFlakyServer(): Promise<FlakyServer> {
  const asked = new Map<string, number>();
  const server = createServer((req, res) => {
    const path = req.url ?? '/';
    const times = (asked.get(path) ?? 0) + 1;
    asked.set(path, times);
    const failures = Number(/\/fail-(\d+)$/.exec(path)?.[1] ?? 0);
    const slow_ms = Number(/\/slow-(\d+)/.exec(path)?.[1] ?? 0);
    setTimeout(() => {
      res.writeHead(times <= failures ? 500 : 200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ path, times }));
    }, slow_ms);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
