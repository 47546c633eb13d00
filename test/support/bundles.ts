import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { canonicalJson } from '../../src/language/canonical-json.ts';
import type { StoreServices } from '../../src/domain/store.ts';
import type { Database } from '../../src/persistence/db.ts';
import { caller, PROJECT_ID } from './store.ts';

/** The lines of a bundle, each without its line feed. */
export const linesOf = (bundle: string): string[] => bundle.split('\n').slice(0, -1);

export const kindOf = (line: string): string => Object.keys(JSON.parse(line) as object)[0]!;

/** The whole bundle of a reference. */
export async function bundleOf(
  { bundles }: StoreServices,
  ref: string,
  have: string[] = [],
  project_id = PROJECT_ID,
): Promise<string> {
  let text = '';
  for await (const line of (await bundles.export(project_id, { ref, have })).lines) text += line;
  return text;
}

/** Takes a bundle in, cut into pieces of a size that no line has. */
export function importOf(
  { bundles }: StoreServices,
  bundle: string | Buffer,
  options: { on_conflict?: 'skip' | 'fail'; as?: string } = {},
  by = caller,
) {
  return bundles.import(by, pieces(Buffer.from(bundle)), { on_conflict: 'skip', ...options });
}

async function* pieces(bytes: Buffer, size = 10_007): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** The same lines with a trailer that is right again: what someone would send who wants to deceive. */
export function sealed(lines: readonly string[]): string {
  const kinds = lines.map(kindOf);
  const count = (kind: string) => kinds.filter((k) => k === kind).length;
  const body = lines
    .filter((_, i) => kinds[i] !== 'trailer')
    .map((line) => `${line}\n`)
    .join('');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const counts = {
    tags: count('tag'),
    artifacts: count('artifact'),
    blobs: count('blob'),
    moves: count('move'),
  };
  return `${body}${canonicalJson({ trailer: { ...counts, sha256 } })}\n`;
}

/** The bundle with the n-th line of a kind replaced, and sealed again. */
export function forged(
  bundle: string,
  kind: string,
  change: (value: JsonObject) => Json | undefined,
  n = 0,
): string {
  const lines = linesOf(bundle);
  const places = lines.flatMap((line, i) => (kindOf(line) === kind ? [i] : []));
  const at = places.at(n)!;
  const value = (JSON.parse(lines[at]!) as Record<string, JsonObject>)[kind]!;
  const changed = change(value);
  const replaced = changed === undefined ? [] : [canonicalJson({ [kind]: changed })];
  return sealed([...lines.slice(0, at), ...replaced, ...lines.slice(at + 1)]);
}

/** Everything a caller can see but blobs, which may be put before anything leads to them. */
export async function visibleRows({ pool }: Database): Promise<Record<string, number>> {
  const { rows } = await pool.query<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM artifact) AS artifacts, (SELECT count(*)::int FROM tag) AS tags,
            (SELECT count(*)::int FROM tag_move) AS moves, (SELECT count(*)::int FROM workflow) AS workflows,
            (SELECT count(*)::int FROM materialisation) AS materialisations`,
  );
  return rows[0]!;
}
