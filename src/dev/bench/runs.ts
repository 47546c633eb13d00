import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../contract/json.ts';
import type { Bed } from './bed.ts';
import { httpDefinition, lightDefinition } from './definitions.ts';
import type { HttpClient } from './http-client.ts';

const LIGHT = 'bench-light';
let last = 0;

interface RunView {
  id: string;
  state: string;
  output: Json;
}

/** Starts a run and waits for its end over HTTP; rejects unless it completed with just this output. */
export async function runOnce(
  api: HttpClient,
  workflow: string,
  outputOf: (n: number) => Json,
): Promise<string> {
  const n = ++last;
  const { id } = await api.json<RunView>([202], 'POST', '/api/v1/runs', { workflow, input: { n } });
  const run = await api.json<RunView>([200], 'GET', `/api/v1/runs/${id}?wait=30`);
  if (run.state === 'completed' && isDeepStrictEqual(run.output, outputOf(n))) return id;
  throw new Error(`${workflow} with n = ${n} ended wrong: ${JSON.stringify(run).slice(0, 500)}`);
}

/** Saves a definition under a tag of its own name. */
export async function publish(
  api: HttpClient,
  tag_name: string,
  workflow: Json,
): Promise<{ artifact_id: string }> {
  return api.json<{ artifact_id: string }>([200, 201], 'POST', '/api/v1/workflows', { tag_name, workflow });
}

/** The four light steps, published; answers how to make one run of them. */
export async function lightRun({ api }: Bed): Promise<() => Promise<string>> {
  await publish(api, LIGHT, lightDefinition(LIGHT));
  return () => runOnce(api, LIGHT, (n) => ({ d: { result: (n + 1) * 2 } }));
}

/** The four http steps, published; answers how to make one run of them. */
export async function httpRun({ api, places }: Bed): Promise<() => Promise<string>> {
  const tag = 'bench-http';
  await publish(api, tag, httpDefinition(tag, places.nothing_url));
  return () => runOnce(api, tag, () => 4 * 204);
}
