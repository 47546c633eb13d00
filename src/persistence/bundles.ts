import type { ArtifactRow } from './artifacts-columns.ts';
import { ARTIFACT_COLUMNS } from './artifacts-columns.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';
import type { TagMoveRow } from './tags-list.ts';

/** An artifact as far as it takes to tell whether it is one of a bundle, and to build on it. */
export type HereRow = Pick<
  ArtifactRow,
  | 'id'
  | 'kind'
  | 'cas_id'
  | 'version_hash'
  | 'plan_hash'
  | 'base_version'
  | 'depth'
  | 'parents'
  | 'compacted_from_id'
  | 'reverts_id'
  | 'message'
  | 'created_by'
  | 'created_at'
  | 'live'
>;

const BY_IDS = statement<ArtifactRow>(
  'bundle_artifacts',
  `SELECT ${ARTIFACT_COLUMNS} FROM artifact a WHERE a.project_id = $1 AND a.id = ANY($2::uuid[])`,
);

const MOVES = statement<TagMoveRow>(
  'bundle_moves',
  `SELECT m.seq, m.type, m.from_id, m.to_id, f.version_hash AS from_hash, t.version_hash AS to_hash, m.version,
          m.reverses_seq, m.moved_by, m.moved_at, m.reason
   FROM tag_move m LEFT JOIN artifact f ON f.id = m.from_id LEFT JOIN artifact t ON t.id = m.to_id
   WHERE m.project_id = $1 AND m.tag_name = $2 AND m.seq > $3 AND m.seq <= $4 ORDER BY m.seq LIMIT $5`,
);

const HELD = statement<{ version_hash: string }>(
  'bundle_held',
  `SELECT DISTINCT version_hash FROM artifact WHERE project_id = $1 AND version_hash = ANY($2::text[]) AND live`,
);

// The very artifact if it is here; otherwise one with its content, and best one that a tag points at: a reader names
// what its tags have when it says what it has.
const STAND_IN = statement<ArtifactRow>(
  'bundle_stand_in',
  `SELECT ${ARTIFACT_COLUMNS} FROM artifact a WHERE a.project_id = $1 AND a.version_hash = $2 AND a.live
   ORDER BY a.id = $3 DESC, EXISTS (SELECT FROM tag t WHERE t.project_id = $1 AND t.target_id = a.id) DESC, a.created_at, a.id
   LIMIT 1`,
);

const HERE = statement<HereRow>(
  'bundle_here',
  `SELECT id, kind, cas_id, version_hash, plan_hash, base_version, depth, parents, compacted_from_id, reverts_id, message,
     created_by, created_at, live
   FROM artifact WHERE project_id = $1 AND version_hash = ANY ($2::text[]) ORDER BY live DESC, created_at, id`,
);

const TAKEN = statement<{ id: string }>(
  'bundle_taken',
  `SELECT id FROM artifact WHERE id = ANY ($1::uuid[])`,
);

// Keeps out other imports and nobody else: whoever stores something for the project takes a weaker lock on its row.
const LOCK = statement<{ id: string }>(
  'bundle_lock_project',
  `SELECT id FROM project WHERE id = $1 FOR NO KEY UPDATE`,
);

const REVIVE = statement<{ id: string }>(
  'bundle_revive',
  `UPDATE artifact SET live = true, unreachable_since = NULL
   WHERE project_id = $1 AND id = ANY($2::uuid[]) AND (NOT live OR unreachable_since IS NOT NULL) RETURNING id`,
);

// A clock that is ahead where the artifact was made must not date anything into our future.
const DATE = statement<{ id: string }>(
  'bundle_date',
  `UPDATE artifact a SET created_at = least(d.created_at, a.created_at)
   FROM unnest($1::uuid[], $2::timestamptz[]) AS d (id, created_at) WHERE a.id = d.id RETURNING a.id`,
);

/** Artifacts by id, in no order. */
export function readArtifacts(db: Db, project_id: string, ids: readonly string[]): Promise<ArtifactRow[]> {
  return run(db, BY_IDS, [project_id, ids]);
}

/** Entries of a tag's history after number `after` and up to `last`, oldest first. */
export function readMoves(
  db: Db,
  tag: { project_id: string; name: string },
  page: { after: number; last: number; limit: number },
): Promise<TagMoveRow[]> {
  return run(db, MOVES, [tag.project_id, tag.name, page.after, page.last, page.limit]);
}

/** Which of these version hashes the project has. */
export async function findHeld(db: Db, project_id: string, hashes: readonly string[]): Promise<string[]> {
  return (await run(db, HELD, [project_id, hashes])).map((row) => row.version_hash);
}

/** The artifact that stands for one made elsewhere: itself, or one with its content. */
export function findStandIn(
  db: Db,
  project_id: string,
  wanted: { id: string; version_hash: string },
): Promise<ArtifactRow | undefined> {
  return runOne(db, STAND_IN, [project_id, wanted.version_hash, wanted.id]);
}

/** Every artifact of the project with one of these contents: what is live first, the oldest first. */
export function findHere(db: Db, project_id: string, hashes: readonly string[]): Promise<HereRow[]> {
  return run(db, HERE, [project_id, hashes]);
}

/** Which of these ids are in use, in whatever project. */
export async function findTaken(db: Db, ids: readonly string[]): Promise<string[]> {
  return (await run(db, TAKEN, [ids])).map((row) => row.id);
}

/** Waits for other imports into the project, and keeps them out to the end of the transaction. */
export async function lockImports(db: Db, project_id: string): Promise<void> {
  await run(db, LOCK, [project_id]);
}

/** Takes artifacts back that were collected or were about to be. */
export async function reviveArtifacts(db: Db, project_id: string, ids: readonly string[]): Promise<void> {
  await run(db, REVIVE, [project_id, ids]);
}

/** Dates artifacts that were inserted just now to when they were made. */
export async function dateArtifacts(
  db: Db,
  dates: readonly { id: string; created_at: string }[],
): Promise<void> {
  await run(db, DATE, [dates.map(({ id }) => id), dates.map(({ created_at }) => created_at)]);
}
