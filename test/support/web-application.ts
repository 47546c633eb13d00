import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repositoryAt } from '../git/scratch.ts';

/** The web server of the examples, in a repository of its own. */
export function webApplication() {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'orchestrator-web-')));
  const directory = path.join(root, 'app');
  const repository = repositoryAt(directory);
  cpSync(path.resolve('examples/web-server/app'), directory, { recursive: true });
  const first = repository.commit();
  return { root, ...repository, first, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export type WebApplication = ReturnType<typeof webApplication>;

/** A port that was free a moment ago, below those that connections get. */
export async function portBelow(limit = 20_000): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * (limit - 10_000));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
