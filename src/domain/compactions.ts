import { findCompaction, insertCompaction } from '../persistence/artifacts-compact.ts';
import type { Db } from '../persistence/db.ts';
import type { Caller } from './refs.ts';
import { LostRace } from './tags-attempt.ts';

/** The one compaction of a patch set: there already, or about to be made under this id. */
export interface Compaction {
  id: string;
  exists: boolean;
}

export async function compactionOf(
  db: Db,
  source: { project_id: string; id: string },
  ids: () => string,
): Promise<Compaction> {
  const existing = await findCompaction(db, source.project_id, source.id);
  return { id: existing?.id ?? ids(), exists: existing !== undefined };
}

/** Makes the compaction unless it is there; its blob must be. Throws `LostRace` when someone else made it meanwhile. */
export async function ensureCompaction(
  tx: Db,
  { project_id, actor }: Caller,
  { id, exists }: Compaction,
  { of, message }: { of: string; message?: string },
): Promise<void> {
  const made = { id, project_id, source_id: of, message, created_by: actor };
  if (!exists && !(await insertCompaction(tx, made))) throw new LostRace();
}
