import type { Definition } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import { type ChainRow, findArtifact, findArtifactByHash, listChain } from '../persistence/artifacts.ts';
import type { ArtifactRow } from '../persistence/artifacts-columns.ts';
import type { Db } from '../persistence/db.ts';
import { compact, type Compacted, type CompactRequest } from './artifacts-compact.ts';
import { notCollected } from './collected.ts';
import type { DefinitionService } from './materialise.ts';
import type { Caller } from './refs.ts';
import { isUuid } from './rules/tag-name.ts';
import { type Page, page } from './tags.ts';
import type { BrokenGlass } from './tags-write.ts';

export interface ArtifactService {
  /** Throws `not_found`, `blob_collected`. */
  get(project_id: string, id: string): Promise<ArtifactRow>;
  /** The oldest artifact of the project with this version hash. */
  byVersionHash(project_id: string, version_hash: string): Promise<ArtifactRow>;
  /** The definition of a dag_version or patch set. Throws `state_conflict` for an artifact that has none. */
  materialise(artifact: ArtifactRow): Promise<Definition>;
  /** The patches from the base up to and including the artifact, after place `page.after`; empty for a dag_version. */
  chain(project_id: string, id: string, page: { after?: number; limit: number }): Promise<Chain>;
  /** The content of a patch set as a dag_version of its own. Throws what `compact` throws. */
  compact(caller: Caller, id: string, request: CompactRequest): Promise<Compacted>;
}

export interface Chain extends Page<ChainRow, number> {
  head: ArtifactRow;
}

export interface ArtifactDeps {
  db: Db;
  ids: () => string;
  definitions: Pick<DefinitionService, 'read'>;
  onBreakGlass?: (event: BrokenGlass) => void;
}

export function artifactService(deps: ArtifactDeps): ArtifactService {
  const { db, definitions } = deps;
  const get = async (project_id: string, id: string) =>
    found(isUuid(id) && (await findArtifact(db, project_id, id)));
  return {
    get,
    byVersionHash: async (project_id, version_hash) =>
      found(await findArtifactByHash(db, project_id, version_hash)),
    materialise: async ({ id, project_id, kind, version_hash }) => {
      if (version_hash === null)
        throw new AppError('state_conflict', { detail: `A ${kind} has no definition.` });
      return definitions.read(project_id, { artifact_id: id, version_hash });
    },
    chain: async (project_id, id, { after = 0, limit }) => {
      const head = await get(project_id, id);
      const rows = await listChain(db, { project_id, head_id: id }, { after, limit: limit + 1 });
      return { head, ...page(rows, limit, (row) => row.seq) };
    },
    compact: async (caller, id, request) => compact(deps, caller, await get(caller.project_id, id), request),
  };
}

function found<T extends ArtifactRow>(row: T | false | undefined): T {
  if (!row) throw new AppError('not_found');
  return notCollected(row);
}
