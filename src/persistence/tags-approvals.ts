import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** A change of a tag that can be approved: away from `version`, to `target_id`. */
export interface TagChangeKey {
  project_id: string;
  tag: string;
  /** Undefined for a tag that is not there: the version that its last life ended with, or 0. */
  version?: number;
  /** Null is the deletion. */
  target_id: string | null;
}

export interface ApprovalRow {
  tag_version: number;
  target_id: string | null;
  target_hash: string | null;
  approved_by: string;
  approved_at: Date;
  comment: string | null;
}

/** Where a page of approvals ended. */
export interface ApprovalPlace {
  tag_version: number;
  target_id: string | null;
  approved_by: string;
}

/** Stands for "no target" in a column that is part of the key; no artifact has it, since theirs are UUIDs v7. */
const NONE = `'00000000-0000-0000-0000-000000000000'::uuid`;

// Each entry of the history takes one version, so the newest entry has the version of the tag, be it there or not.
const VERSION_NOW = `coalesce((SELECT max(version) FROM tag_move WHERE project_id = $1 AND tag_name = $2), 0)`;

const APPROVE = statement<ApprovalRow & { created: boolean }>(
  'tag_approve',
  `WITH given AS (
     INSERT INTO tag_approval (project_id, tag_name, tag_version, target_id, approved_by, comment)
     SELECT $1::uuid, $2, coalesce($3::integer, ${VERSION_NOW}), coalesce($4::uuid, ${NONE}), $5, $6
     ON CONFLICT (project_id, tag_name, tag_version, target_id, approved_by)
       DO UPDATE SET comment = coalesce(excluded.comment, tag_approval.comment)
     RETURNING *, xmax = 0 AS created
   )
   SELECT g.tag_version, nullif(g.target_id, ${NONE}) AS target_id, a.version_hash AS target_hash, g.approved_by, g.approved_at,
          g.comment, g.created
   FROM given g LEFT JOIN artifact a ON a.id = g.target_id`,
);

const LIST = statement<ApprovalRow>(
  'tag_approval_list',
  `SELECT p.tag_version, nullif(p.target_id, ${NONE}) AS target_id, a.version_hash AS target_hash, p.approved_by, p.approved_at,
          p.comment
   FROM tag_approval p LEFT JOIN artifact a ON a.id = p.target_id
   WHERE p.project_id = $1 AND p.tag_name = $2 AND ($3::integer IS NULL OR p.tag_version = $3)
     AND ($4::integer IS NULL OR (p.tag_version, p.target_id, p.approved_by) < ($4, coalesce($5::uuid, ${NONE}), $6))
   ORDER BY p.tag_version DESC, p.target_id DESC, p.approved_by DESC LIMIT $7`,
);

// Locked until the change is written: a withdrawal comes before or after it, never in between.
const LOCK = statement<{ approved_by: string }>(
  'tag_approval_lock',
  `SELECT approved_by FROM tag_approval
   WHERE project_id = $1 AND tag_name = $2 AND tag_version = coalesce($3::integer, ${VERSION_NOW})
     AND target_id = coalesce($4::uuid, ${NONE}) FOR SHARE`,
);

const LOCK_OWN = statement<{ approved_by: string }>(
  'tag_approval_lock_own',
  `SELECT approved_by FROM tag_approval WHERE project_id = $1 AND tag_name = $2 AND approved_by = $3 FOR UPDATE`,
);

const WITHDRAW = statement<{ approved_by: string }>(
  'tag_approval_withdraw',
  `DELETE FROM tag_approval WHERE project_id = $1 AND tag_name = $2 AND approved_by = $3 AND tag_version = ${VERSION_NOW}
   RETURNING approved_by`,
);

/** Approves a change, or gives the comment of an approval that is there. */
export async function insertApproval(
  db: Db,
  change: TagChangeKey,
  by: { actor: string; comment?: string },
): Promise<ApprovalRow & { created: boolean }> {
  const { project_id, tag, version, target_id } = change;
  const values = [project_id, tag, version ?? null, target_id, by.actor, by.comment ?? null];
  return (await run(db, APPROVE, values))[0]!;
}

/** Newest version first; only those of `version` when it is given. */
export function listApprovals(
  db: Db,
  tag: { project_id: string; name: string; version?: number },
  page: { after?: ApprovalPlace; limit: number },
): Promise<ApprovalRow[]> {
  const { after } = page;
  const place = [after?.tag_version ?? null, after?.target_id ?? null, after?.approved_by ?? null];
  return run(db, LIST, [tag.project_id, tag.name, tag.version ?? null, ...place, page.limit]);
}

/** Who has approved a change; they cannot take it back before the transaction ends. */
export async function lockApprovals(tx: Db, change: TagChangeKey): Promise<string[]> {
  const { project_id, tag, version, target_id } = change;
  const rows = await run(tx, LOCK, [project_id, tag, version ?? null, target_id]);
  return rows.map((row) => row.approved_by);
}

/**
 * Takes back what `actor` has approved on the tag as it is now; false when there was nothing. What a change was made
 * with stays as its evidence.
 */
export function deleteApprovals(
  db: Db,
  tag: { project_id: string; name: string },
  actor: string,
): Promise<boolean> {
  const values = [tag.project_id, tag.name, actor];
  return db.transaction(async (tx) => {
    // A statement of its own: the deletion must see the version that a change under way leaves.
    await run(tx, LOCK_OWN, values);
    return (await runOne(tx, WITHDRAW, values)) !== undefined;
  });
}
