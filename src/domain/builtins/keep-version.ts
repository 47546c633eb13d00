import { findArtifactByHash, insertArtifact } from '../../persistence/artifacts.ts';
import { putBlobs } from '../../persistence/blobs.ts';
import type { Db } from '../../persistence/db.ts';
import type { EncodedDefinition } from '../blobs-encode.ts';
import type { DefinitionService } from '../materialise.ts';

interface Deps {
  db: Db;
  ids: () => string;
  definitions: Pick<DefinitionService, 'remember'>;
}

export type VersionKeeper = ReturnType<typeof versionKeeper>;

/** Keeps definitions that no tag points at: runs do. */
export function versionKeeper({ db, ids, definitions }: Deps) {
  /** Answers the artifact of this definition in the project; one statement when it is there already. */
  return async (project_id: string, encoded: EncodedDefinition, created_by: string): Promise<string> => {
    const { cas_id, bytes, nodes_count, edges_count } = encoded;
    const known = await findArtifactByHash(db, project_id, cas_id);
    const id = known?.live ? known.id : ids();
    if (!known?.live)
      await db.transaction(async (tx) => {
        await putBlobs(tx, project_id, [{ cas_id, bytes, media_type: 'application/json' }]);
        const facts = {
          kind: 'dag_version' as const,
          cas_id,
          version_hash: cas_id,
          nodes_count,
          edges_count,
        };
        await insertArtifact(tx, { id, project_id, ...facts, created_by });
      });
    definitions.remember(project_id, encoded);
    return id;
  };
}
