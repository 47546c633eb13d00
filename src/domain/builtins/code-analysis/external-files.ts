import type { ExternalTool } from '../../../analysis/external/tool.ts';
import { skipReasonOf } from '../../../analysis/skip.ts';

export interface ExternalFile {
  path: string;
  cas_id: string;
}

/** The same bytes, that a program is given in the same way, wherever they lie. */
export interface Wanted {
  /** Under what the result is kept. */
  key: string;
  cas_id: string;
  /** Of the name that the program is given it with. */
  ending: string;
  paths: string[];
}

/** Files for one start of a program, by the names that it is given them with. */
export type Batch = Map<string, { wanted: Wanted; text: string }>;

/** The files that are for a tool, by the keys of their results. */
export function wantedFiles(
  files: readonly ExternalFile[],
  tool: ExternalTool,
  prefix: string,
): Map<string, Wanted> {
  const all = new Map<string, Wanted>();
  for (const { path, cas_id } of files) {
    const ending = tool.endingFor(path);
    if (ending === undefined) continue;
    const key = `external:${prefix}:${ending}:${cas_id}`;
    const known = all.get(key);
    if (known) known.paths.push(path);
    else all.set(key, { key, cas_id, ending, paths: [path] });
  }
  return all;
}

/**
 * The files that are worth a look, in parts that a program is given at once. Their names are ours: one of a repository could be an option,
 * a setting or a place elsewhere.
 */
export async function* batchesOf(
  wanted: Iterable<Wanted>,
  textOf: (file: ExternalFile) => Promise<string>,
  limits: { files: number; bytes: number },
): AsyncGenerator<Batch> {
  let batch: Batch = new Map();
  let [bytes, number] = [0, 0];
  for (const one of wanted) {
    const [path = ''] = one.paths;
    const text = await textOf({ path, cas_id: one.cas_id });
    if (skipReasonOf({ path, text }) !== undefined) continue;
    number += 1;
    batch.set(`f${number}.${one.ending}`, { wanted: one, text });
    bytes += Buffer.byteLength(text);
    if (batch.size < limits.files && bytes < limits.bytes) continue;
    yield batch;
    batch = new Map();
    bytes = 0;
  }
  if (batch.size > 0) yield batch;
}
