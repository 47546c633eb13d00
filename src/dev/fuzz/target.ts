import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startProduct } from '../bench/product.ts';
import { cleanEnvironment } from '../bench/processes.ts';
import type { Cleanup } from '../bench/bed.ts';
import { devEnvironment } from '../environment.ts';
import { startServices } from '../stack.ts';

/** An API of its own that may be done anything to. */
export interface Target {
  directory: string;
  url: string;
  /** Who calls, with a token each. */
  callers: Readonly<Record<string, string>>;
}

/** Starts PostgreSQL, Temporal and the product in a new directory; `defer` undoes it. */
export async function startTarget(
  { defer }: Pick<Cleanup, 'defer'>,
  say: (line: string) => void,
): Promise<Target> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-fuzz-'));
  defer(() => rm(directory, { recursive: true, force: true }));
  // PostgreSQL's account must be able to pass through.
  await chmod(directory, 0o711);
  const free = { postgres_port: 0, temporal_port: 0, temporal_ui_port: 0 };
  const environment = { ...devEnvironment(cleanEnvironment()), ...free };
  const starting = startServices({
    log: say,
    durable: false,
    environment: { ...environment, data_dir: path.join(directory, 'services') },
  });
  defer(async () => (await starting).stop());
  const { database_url, temporal_address } = await starting;
  const data_dir = path.join(directory, 'product');
  const product = startProduct({ data_dir, database_url, temporal_address, allow_host: 'nobody.invalid' });
  defer(product.stop);
  const { url, token } = await product.ready;
  await furnish(url, token);
  return { directory, url, callers: { administrator: token, viewer: await viewerKey(url, token) } };
}

const DEFINITION = {
  schema_version: 1,
  name: 'a',
  nodes: { a: { type: 'transform', config: { value: '${{ input }}' } } },
};

/** Something for requests that happen upon it. */
async function furnish(url: string, token: string): Promise<void> {
  for (const workflow of [DEFINITION, { ...DEFINITION, description: 'Another.' }])
    await call(url, token, '/workflows', { tag_name: 'a', workflow });
  await call(url, token, '/runs', { workflow: 'a', input: 1 });
  await call(url, token, '/refinements', { workflow: 'a', instructions: 'retry a 3 times' });
}

async function viewerKey(url: string, token: string): Promise<string> {
  const { key } = await call<{ key: string }>(url, token, '/auth/api-keys', {
    name: 'viewer',
    role: 'viewer',
  });
  return key;
}

async function call<T>(url: string, token: string, route: string, body: unknown): Promise<T> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1${route}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`POST ${route} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
