import type { Json } from '../../contract/json.ts';
import type { BlobService } from '../blobs.ts';
import { textOf } from './program.ts';

const HASH = /^sha256:[0-9a-f]{64}$/;

/** Files by path: a hash names a blob, other text stands for itself, other JSON as JSON text. Throws `not_found`, `blob_collected`. */
export async function filesOf(
  blobs: Pick<BlobService, 'get'>,
  project_id: string,
  files: Readonly<Record<string, Json>>,
): Promise<Record<string, Uint8Array>> {
  const entries = Object.entries(files).map(async ([path, value]) => {
    const isBlob = typeof value === 'string' && HASH.test(value);
    const bytes = isBlob ? (await blobs.get(project_id, value)).bytes : Buffer.from(textOf(value));
    return [path, new Uint8Array(bytes)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
