import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Db } from './db.ts';
import { keepArtifacts, keepNamed } from './gc-keep.ts';

interface Naming {
  digest: string;
  artifact_ref: string | null;
  source: JsonObject;
}

/** Whatever a release names is not collected before its row is there to keep it. Throws `blob_collected`. */
export async function keepNamedBy(
  tx: Db,
  project_id: string,
  { digest, artifact_ref, source }: Naming,
): Promise<void> {
  const named = JSON.stringify([digest, artifact_ref, source]).match(/sha256:[0-9a-f]{64}/g) ?? [];
  await keepBlobs(tx, project_id, [...new Set(named)].sort());
  if (typeof source.artifact_id !== 'string') return;
  const [gone] = await keepArtifacts(tx, project_id, [source.artifact_id]);
  if (gone !== undefined) throw new AppError('blob_collected', { detail: `${gone} was collected.` });
}

/** Throws `blob_collected` when one that the project had is gone. */
async function keepBlobs(tx: Db, project_id: string, names: readonly string[]): Promise<void> {
  const [gone] = await keepNamed(tx, project_id, names);
  if (gone !== undefined) throw new AppError('blob_collected', { detail: `${gone} was collected.` });
}
