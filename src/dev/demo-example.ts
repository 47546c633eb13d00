import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Definition } from '../contract/definition.ts';
import type { Json } from '../contract/json.ts';
import type { DemoClient } from './demo-client.ts';

export interface Example {
  definition: Definition;
  input: Json;
  /** Local file of each blob the definition names. */
  files: { path: string; cas_id: string; local: string }[];
}

/** Reads one folder of `examples/`. A file of a definition lies in that folder or, when shared, beside it. */
export async function readExample(name: string): Promise<Example> {
  const examples = path.resolve(import.meta.dirname, '../../examples');
  const folder = path.join(examples, name);
  const readJson = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(folder, file), 'utf8'));
  const definition = (await readJson('definition.json')) as Definition;
  const files = Object.entries(definition.files ?? {}).map(([file, cas_id]) => ({
    path: file,
    cas_id: cas_id as string,
    local:
      [folder, examples].map((base) => path.join(base, file)).find(existsSync) ?? path.join(folder, file),
  }));
  return { definition, input: (await readJson('input.json')) as Json, files };
}

/** Uploads every file of an example; the server checks each hash, so that a changed file is refused. */
export async function uploadFiles(client: DemoClient, example: Example): Promise<void> {
  for (const { cas_id, local } of example.files) await client.putBlob(cas_id, await readFile(local));
}

/** `sha256:<hex>` of bytes, the name they have in the store. */
export function casIdOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
