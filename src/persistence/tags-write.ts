import type { Db } from './db.ts';
import type { MoveType, TagRow, TargetKind } from './tags.ts';
import { runOne, statement } from './statement.ts';

/** What every write to a tag needs to know. */
export interface TagWrite {
  project_id: string;
  name: string;
  actor: string;
  reason?: string | null;
  /** Undefined leaves the flag as it is. */
  protect?: boolean;
  /** Role and approvals were not asked for; needs a reason. */
  break_glass?: boolean;
}

export interface Position {
  kind: TargetKind;
  id: string;
}

/** An advance of an existing tag; it happens only if the tag still is as in `from`. */
export interface Advance extends TagWrite {
  type: Exclude<MoveType, 'create' | 'delete'>;
  from: Pick<TagRow, 'target_id' | 'version' | 'cursor_seq'>;
  to: Position;
  /** Null: the new entry itself. */
  cursor_seq: number | null;
  reverses_seq: number | null;
}

/** The state after a write. Undefined instead of it means that someone else was first and nothing was written. */
export interface Written {
  version: number;
  moved_at: Date;
}

// Each entry takes one seq and one version, and nothing else takes either, so the two are the same number. That is
// what keeps a version from being used again after a deletion, without a counter row. Times never go back along the
// history, whatever the clock does and however long a transaction waited for its turn: as-of reads rely on it.
const ADVANCE = statement<Written>(
  'tag_advance',
  `WITH moved AS (
     UPDATE tag SET target_kind = $6, target_id = $7, version = version + 1, cursor_seq = coalesce($8, version + 1),
       protected = coalesce($12, protected), moved_by = $10, moved_at = greatest(clock_timestamp(), moved_at)
     WHERE project_id = $1 AND name = $2 AND version = $3 AND target_id = $4
     RETURNING version, moved_at
   )
   INSERT INTO tag_move (project_id, tag_name, seq, type, from_id, to_id, version, parent_seq, reverses_seq, moved_by, moved_at, reason,
     break_glass)
   SELECT $1, $2, version, $5, $4, $7, version, $13::integer, $9::integer, $10, moved_at, $11, $14::boolean FROM moved
   RETURNING version, moved_at`,
);

const CREATE = statement<Written>(
  'tag_create',
  `WITH family AS (
     INSERT INTO workflow (id, project_id, name, created_by) VALUES ($3, $1, split_part($2, '/', 1), $6)
     ON CONFLICT (project_id, name) DO NOTHING
   ), next AS (
     SELECT coalesce(max(seq), 0) + 1 AS seq, greatest(clock_timestamp(), max(moved_at)) AS moved_at
     FROM tag_move WHERE project_id = $1 AND tag_name = $2
   ), made AS (
     INSERT INTO tag (project_id, name, target_kind, target_id, version, cursor_seq, protected, moved_by, moved_at)
     SELECT $1, $2, $4, $5, seq, seq, coalesce($8, false), $6, moved_at FROM next
     ON CONFLICT (project_id, name) DO NOTHING RETURNING version, moved_at
   )
   INSERT INTO tag_move (project_id, tag_name, seq, type, to_id, version, moved_by, moved_at, reason, break_glass)
   SELECT $1, $2, version, 'create', $5, version, $6, moved_at, $7, $9::boolean FROM made
   RETURNING version, moved_at`,
);

// The last tag of a family takes the workflow with it; otherwise a deleted name would go on answering.
const DELETE = statement<Written>(
  'tag_delete',
  `WITH gone AS (
     DELETE FROM tag WHERE project_id = $1 AND name = $2 AND version = $3
     RETURNING target_id, version + 1 AS seq, cursor_seq, workflow_name, greatest(clock_timestamp(), moved_at) AS moved_at
   ), family AS (
     DELETE FROM workflow w USING gone
     WHERE w.project_id = $1 AND w.name = gone.workflow_name
       AND NOT EXISTS (SELECT 1 FROM tag o WHERE o.project_id = $1 AND o.workflow_name = gone.workflow_name AND o.name <> $2)
   )
   INSERT INTO tag_move (project_id, tag_name, seq, type, from_id, version, parent_seq, moved_by, moved_at, reason, break_glass)
   SELECT $1, $2, seq, 'delete', target_id, seq, cursor_seq, $4, moved_at, $5, $6::boolean FROM gone
   RETURNING version, moved_at`,
);

const PROTECT = statement<Written>(
  'tag_protect',
  `UPDATE tag SET protected = $4 WHERE project_id = $1 AND name = $2 AND version = $3 RETURNING version, moved_at`,
);

/** Moves the tag and writes its history entry, in one statement. */
export function advanceTag(db: Db, a: Advance): Promise<Written | undefined> {
  const { from, to } = a;
  return runOne(db, ADVANCE, [
    ...[
      a.project_id,
      a.name,
      from.version,
      from.target_id,
      a.type,
      to.kind,
      to.id,
      a.cursor_seq,
      a.reverses_seq,
    ],
    ...[a.actor, a.reason ?? null, a.protect ?? null, from.cursor_seq, a.break_glass ?? false],
  ]);
}

/** Creates the tag, its workflow if it is the family's first (with `workflow_id`), and the entry that begins its life. */
export function createTag(
  db: Db,
  a: TagWrite & { workflow_id: string; to: Position },
): Promise<Written | undefined> {
  return runOne(db, CREATE, [
    ...[
      a.project_id,
      a.name,
      a.workflow_id,
      a.to.kind,
      a.to.id,
      a.actor,
      a.reason ?? null,
      a.protect ?? null,
      a.break_glass ?? false,
    ],
  ]);
}

/** Deletes the tag if it still has `version`. The history stays. */
export function deleteTag(db: Db, a: TagWrite & { version: number }): Promise<Written | undefined> {
  return runOne(db, DELETE, [
    ...[a.project_id, a.name, a.version, a.actor, a.reason ?? null, a.break_glass ?? false],
  ]);
}

/** Sets the protection alone; that is no move and leaves the version as it is. */
export function protectTag(
  db: Db,
  a: TagWrite & { version: number; protect: boolean },
): Promise<Written | undefined> {
  return runOne(db, PROTECT, [a.project_id, a.name, a.version, a.protect]);
}
