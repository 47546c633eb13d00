import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createGuardedFetch } from '../../src/clients/http/guarded-fetch.ts';

/** A directory of the test file, gone after it. */
export function scratch(): string {
  const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'orchestrator-test-')));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A client that may call this machine. */
export function localFetch() {
  const fetch = createGuardedFetch({ allow: ['127.0.0.1'], timeout_ms: 30_000 });
  afterAll(() => fetch.close());
  return fetch;
}

/** An artifact with these files, and the digest that stands for it. */
export function artifactAt(directory: string, files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  return { artifact: directory, digest: digestOf(JSON.stringify(files)) };
}

export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
