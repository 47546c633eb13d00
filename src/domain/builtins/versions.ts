import type { BuiltinType } from '../../contract/builtins.ts';
import type { Definition } from '../../contract/definition.ts';
import type { Json } from '../../contract/json.ts';
import { findArtifactByHash, insertArtifact } from '../../persistence/artifacts.ts';
import { putBlobs } from '../../persistence/blobs.ts';
import type { Db } from '../../persistence/db.ts';
import { encodeJson } from '../blobs-encode.ts';
import type { DefinitionService } from '../materialise.ts';
import type { Resolved } from '../refs.ts';
import { countEdges, countNodes } from '../rules/definition.ts';
import { BUILTIN_DEFINITIONS } from './definitions.ts';

interface Deps {
  db: Db;
  ids: () => string;
  definitions: Pick<DefinitionService, 'remember'>;
}

/** Who made the versions nobody saved. */
const ENGINE = 'engine';

/**
 * The workflows of the product's own as versions of a project: kept like anyone's, so that a run of one goes on, is forked and is
 * explained after the product has moved on to another.
 */
export function builtinVersions({ db, ids, definitions }: Deps) {
  const encoded = new Map(
    Object.entries(BUILTIN_DEFINITIONS).map(([type, document]) => [type, encode(document)] as const),
  );

  return {
    /** The version of this product, kept in the project when it is not there yet: one statement when it is. */
    async resolve(project_id: string, type: BuiltinType): Promise<Resolved> {
      const version = encoded.get(type)!;
      const { cas_id } = version;
      const known = await findArtifactByHash(db, project_id, cas_id);
      const artifact_id = known?.live ? known.id : await keep(project_id, version);
      definitions.remember(project_id, version);
      return { workflow: null, artifact_id, kind: 'dag_version', version_hash: cas_id, cas_id };
    },
  };

  function keep(project_id: string, { cas_id, bytes, document }: ReturnType<typeof encode>): Promise<string> {
    const id = ids();
    return db.transaction(async (tx) => {
      await putBlobs(tx, project_id, [{ cas_id, bytes, media_type: 'application/json' }]);
      const counts = { nodes_count: countNodes(document), edges_count: countEdges(document) };
      const kind = 'dag_version';
      await insertArtifact(tx, {
        id,
        project_id,
        kind,
        cas_id,
        version_hash: cas_id,
        ...counts,
        created_by: ENGINE,
      });
      return id;
    });
  }
}

export type BuiltinVersions = ReturnType<typeof builtinVersions>;

const encode = (document: Definition) => ({ ...encodeJson(document as unknown as Json), document });
