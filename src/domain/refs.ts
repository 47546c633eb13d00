import { AppError } from '../contract/errors.ts';
import type { Permission, Role } from '../contract/roles.ts';
import type { Db } from '../persistence/db.ts';
import type { TargetKind } from '../persistence/tags.ts';
import { type RefRow, resolveRef } from '../persistence/workflows-resolve.ts';
import { notCollected } from './collected.ts';
import type { DeploymentPass } from './rules/tag-move.ts';
import { parseRef } from './rules/tag-name.ts';

/** Who calls, and within which project: every look-up and every write of the store is limited to it. */
export interface Caller {
  project_id: string;
  /** Stored as `created_by` and `moved_by`. */
  actor: string;
  /** What the caller is in this project. */
  role: Role;
  permissions?: readonly Permission[];
  /** Set where a deployment itself writes. */
  deployment?: DeploymentPass;
}

/** A reference pinned to one version. Nothing in it changes any more, whatever happens to the tag. */
export interface Resolved {
  /** The workflow's name; null for a hash or artifact that no tag points at. */
  workflow: string | null;
  /** Set when the reference went through a tag. */
  tag?: string;
  tag_version?: number;
  artifact_id: string;
  kind: TargetKind;
  version_hash: string;
  cas_id: string;
}

export interface RefService {
  /**
   * What `ref` (tag name, workflow id, artifact id or `sha256:` version hash) means now, in one statement.
   * Throws `not_found` when it is unknown or foreign, `blob_collected` when it was collected, `state_conflict` for a
   * workflow that has no version yet.
   */
  resolve(project_id: string, ref: string, db?: Db): Promise<Resolved>;
  /** The same with everything known about it; the artifact's columns are null for a workflow without a version. */
  find(project_id: string, ref: string, db?: Db): Promise<RefRow>;
}

export function refService(deps: { db: Db }): RefService {
  const find = async (project_id: string, ref: string, db = deps.db): Promise<RefRow> => {
    const parsed = parseRef(ref);
    const row = parsed && (await resolveRef(db, project_id, parsed));
    if (!row) throw new AppError('not_found');
    return notCollected(row);
  };
  return {
    find,
    resolve: async (project_id, ref, db) => pinned(await find(project_id, ref, db)),
  };
}

function pinned(row: RefRow): Resolved {
  const { id, kind, version_hash, cas_id } = row;
  if (id === null || version_hash === null || cas_id === null) {
    throw new AppError('state_conflict', { detail: `The workflow ${row.workflow} has no version yet.` });
  }
  return {
    workflow: row.workflow,
    ...(row.tag !== null && { tag: row.tag, tag_version: row.tag_version ?? undefined }),
    artifact_id: id,
    kind: kind as TargetKind,
    version_hash,
    cas_id,
  };
}
