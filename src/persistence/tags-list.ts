import type { Db } from './db.ts';
import type { MoveType, TagRow } from './tags.ts';
import { TAG_COLUMNS } from './tags.ts';
import { run, runOne, statement } from './statement.ts';

export interface TagMoveRow {
  seq: number;
  type: MoveType;
  from_id: string | null;
  to_id: string | null;
  from_hash: string | null;
  to_hash: string | null;
  version: number;
  reverses_seq: number | null;
  moved_by: string;
  moved_at: Date;
  reason: string | null;
  break_glass: boolean;
}

/** Where a tag was at a time, with the entry of its history that brought it there. */
export interface TagThenRow extends Pick<TagRow, 'name' | 'target_kind' | 'target_id' | 'target_hash'> {
  version: number;
  seq: number;
  type: Exclude<MoveType, 'delete'>;
  reverses_seq: number | null;
  moved_by: string;
  moved_at: Date;
  reason: string | null;
  break_glass: boolean;
}

// `starts_with` and not LIKE: `_` is allowed in names and must not match any character.
const LIST = statement<TagRow>(
  'tag_list',
  `SELECT ${TAG_COLUMNS}, c.version_hash AS target_hash FROM tag t JOIN artifact c ON c.id = t.target_id
   WHERE t.project_id = $1 AND t.name > $2 AND starts_with(t.name, $3) AND ($4::text IS NULL OR t.workflow_name = $4)
   ORDER BY t.name LIMIT $5`,
);

const HISTORY = statement<TagMoveRow>(
  'tag_history',
  `SELECT m.seq, m.type, m.from_id, m.to_id, f.version_hash AS from_hash, t.version_hash AS to_hash, m.version,
          m.reverses_seq, m.moved_by, m.moved_at, m.reason, m.break_glass
   FROM tag_move m LEFT JOIN artifact f ON f.id = m.from_id LEFT JOIN artifact t ON t.id = m.to_id
   WHERE m.project_id = $1 AND m.tag_name = $2 AND m.seq < $3 ORDER BY m.seq DESC LIMIT $4`,
);

// Times are shown in milliseconds, and asked for so: the whole millisecond counts. After a deletion there is no target.
const AT = statement<TagThenRow>(
  'tag_at',
  `SELECT m.tag_name AS name, a.kind AS target_kind, a.id AS target_id, a.version_hash AS target_hash, m.version, m.seq, m.type,
          m.reverses_seq, m.moved_by, m.moved_at, m.reason, m.break_glass
   FROM (
     SELECT * FROM tag_move WHERE project_id = $1 AND tag_name = $2 AND moved_at < $3::timestamptz + interval '1 millisecond'
     ORDER BY moved_at DESC, seq DESC LIMIT 1
   ) m JOIN artifact a ON a.id = m.to_id`,
);

export interface TagFilter {
  project_id: string;
  prefix?: string;
  workflow?: string;
}

/** Tags by name, after the name `after`. */
export function listTags(
  db: Db,
  filter: TagFilter,
  page: { after: string; limit: number },
): Promise<TagRow[]> {
  return run(db, LIST, [
    filter.project_id,
    page.after,
    filter.prefix ?? '',
    filter.workflow ?? null,
    page.limit,
  ]);
}

/** History entries before `before`, newest first. */
export function listMoves(
  db: Db,
  tag: { project_id: string; name: string },
  page: { before: number; limit: number },
): Promise<TagMoveRow[]> {
  return run(db, HISTORY, [tag.project_id, tag.name, page.before, page.limit]);
}

/** Where the tag was at `as_of`; undefined when it did not exist then. */
export function readMoveAt(
  db: Db,
  tag: { project_id: string; name: string },
  as_of: Date,
): Promise<TagThenRow | undefined> {
  return runOne(db, AT, [tag.project_id, tag.name, as_of]);
}
