import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { keepArtifacts, keepNamed } from '../persistence/gc-keep.ts';
import { namesIn } from './rules/gc-names.ts';

/**
 * Keeps the blobs that a document names until the transaction ends and something live names them. Throws `blob_collected`
 * when one that the project had is gone: whoever runs the document would find that out too late.
 */
export async function requireNamed(tx: Db, project_id: string, document: Buffer): Promise<void> {
  if (!document.includes('sha256:')) return;
  const [gone] = await keepNamed(tx, project_id, namesIn(document.toString('latin1')));
  if (gone === undefined) return;
  const detail = `It names ${gone}, which was collected; store that blob again first.`;
  throw new AppError('blob_collected', { detail });
}

/** Keeps versions that a new one comes from until the transaction ends. Throws `blob_collected` when one is gone. */
export async function requireVersions(tx: Db, project_id: string, ids: readonly string[]): Promise<void> {
  const [gone] = await keepArtifacts(tx, project_id, ids);
  if (gone !== undefined)
    throw new AppError('blob_collected', { detail: `${gone} was collected meanwhile.` });
}
