import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FlakyServer {
  url: string;
  /** How often each path was asked for. */
  asked: Map<string, number>;
  /** Answers what is held under the name, and whatever comes for it from now on. */
  open(name: string): void;
  close(): Promise<void>;
}

/**
 * Answers `{path, times}`. A path ending in `/fail-<n>` answers 500 the first n times, and one with `/slow-<ms>` in it takes
 * that long. One with `/held-<name>` in it waits until that is opened.
 */
export async function startFlakyServer(): Promise<FlakyServer> {
  const asked = new Map<string, number>();
  const held = new Map<string, (() => void)[]>();
  const opened = new Set<string>();
  const server = createServer((req, res) => {
    const path = req.url ?? '/';
    const times = (asked.get(path) ?? 0) + 1;
    asked.set(path, times);
    const failures = Number(/\/fail-(\d+)$/.exec(path)?.[1] ?? 0);
    const slow_ms = Number(/\/slow-(\d+)/.exec(path)?.[1] ?? 0);
    const answer = () => {
      res.writeHead(times <= failures ? 500 : 200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ path, times }));
    };
    const name = /\/held-(\w+)/.exec(path)?.[1];
    if (name === undefined || opened.has(name)) setTimeout(answer, slow_ms);
    else held.set(name, [...(held.get(name) ?? []), answer]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    open(name) {
      opened.add(name);
      held.get(name)?.forEach((answer) => answer());
      held.delete(name);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
