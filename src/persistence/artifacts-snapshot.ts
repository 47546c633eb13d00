import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** Where the materialised definition of a version is: its blob, unverified, or nothing when it must be computed. */
export interface SnapshotRow {
  artifact_id: string;
  kind: string;
  version_hash: string;
  base_version: string | null;
  plan_hash: string | null;
  snapshot_cas_id: string | null;
  content: Buffer | null;
  /** Where the bytes are instead, when somebody put them as a large blob before. */
  storage_url: string | null;
  size_bytes: string | null;
}

/** One link of a chain as replay needs it. */
export interface LinkRow {
  seq: number;
  cas_id: string;
  content: Buffer | null;
  storage_url: string | null;
  size_bytes: string;
}

// A dag_version is its own blob; a patch set is looked up by its plan.
const snapshot = (name: string, artifact: string) =>
  statement<SnapshotRow>(
    name,
    `SELECT a.id AS artifact_id, a.kind, a.version_hash, a.base_version, a.plan_hash, b.cas_id AS snapshot_cas_id,
       b.content, b.storage_url, b.size_bytes
     FROM (${artifact}) a
     LEFT JOIN materialisation m ON m.plan_hash = a.plan_hash AND a.kind = 'patch_set'
     LEFT JOIN cas_blob b ON b.cas_id = CASE WHEN a.kind = 'dag_version' THEN a.cas_id ELSE m.cas_id END`,
  );

const BY_ID = snapshot(
  'snapshot_by_id',
  `SELECT * FROM artifact WHERE project_id = $1 AND id = $2::uuid AND version_hash IS NOT NULL`,
);

const BY_HASH = snapshot(
  'snapshot_by_hash',
  `SELECT * FROM artifact WHERE project_id = $1 AND version_hash = $2 ORDER BY live DESC, created_at, id LIMIT 1`,
);

const LINKS = statement<LinkRow>(
  'snapshot_links',
  `SELECT m.seq, a.cas_id, b.content, b.storage_url, b.size_bytes FROM patch_chain_member m
   JOIN artifact a ON a.id = m.member_id JOIN cas_blob b ON b.cas_id = a.cas_id
   WHERE m.head_id = $1 ORDER BY m.seq`,
);

const RECORD = statement<{ plan_hash: string }>(
  'snapshot_record',
  `INSERT INTO materialisation (plan_hash, cas_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING plan_hash`,
);

/** The snapshot of an artifact (by id) or of the oldest one with a version hash. */
export function findSnapshot(
  db: Db,
  project_id: string,
  by: { id: string } | { version_hash: string },
): Promise<SnapshotRow | undefined> {
  if ('id' in by) return runOne(db, BY_ID, [project_id, by.id]);
  return runOne(db, BY_HASH, [project_id, by.version_hash]);
}

/** The operations of every patch of a chain, first to last, unverified. */
export function readLinks(db: Db, head_id: string): Promise<LinkRow[]> {
  return run(db, LINKS, [head_id]);
}

/** Notes that the plan materialises to this blob. */
export async function recordSnapshot(db: Db, plan_hash: string, cas_id: string): Promise<void> {
  await run(db, RECORD, [plan_hash, cas_id]);
}

const PROJECT_OF = statement<{ project_id: string }>(
  'snapshot_project_of',
  `SELECT project_id FROM artifact WHERE version_hash = $1 ORDER BY live DESC LIMIT 1`,
);

/** A project that has this version, for readers that hold a pinned hash and need only its content. */
export async function findVersionProject(db: Db, version_hash: string): Promise<string | undefined> {
  return (await runOne(db, PROJECT_OF, [version_hash]))?.project_id;
}
