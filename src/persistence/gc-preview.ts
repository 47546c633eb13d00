import type { Db } from './db.ts';
import type { Cutoff } from './gc-collect.ts';
import { run, statement } from './statement.ts';

// What has no mark yet would get it now.
const YOUNG_ARTIFACTS = statement<never>(
  'gc_young_artifacts',
  `INSERT INTO gc_artifact (id, depth, why)
   SELECT a.id, $4, CASE WHEN coalesce(a.unreachable_since, $1::timestamptz) > $3::timestamptz THEN 'grace' ELSE 'step' END FROM artifact a
   WHERE a.live AND coalesce(a.unreachable_since, $1::timestamptz) > $2::timestamptz AND NOT EXISTS (SELECT FROM gc_artifact g WHERE g.id = a.id)`,
);

const YOUNG_BLOBS = statement<never>(
  'gc_young_blobs',
  `INSERT INTO gc_blob (cas_id, why, holds)
   SELECT b.cas_id, CASE WHEN coalesce(b.unreachable_since, $1::timestamptz) > $3::timestamptz THEN 'grace' ELSE 'step' END, false FROM cas_blob b
   WHERE b.stored AND coalesce(b.unreachable_since, $1::timestamptz) > $2::timestamptz
   ON CONFLICT DO NOTHING`,
);

const TOTALS = statement<TotalRow>(
  'gc_totals',
  `SELECT 'artifacts' AS things, g.why, count(*)::float8 AS count, 0::float8 AS bytes
   FROM artifact a LEFT JOIN gc_artifact g ON g.id = a.id WHERE a.live GROUP BY g.why
   UNION ALL
   SELECT 'blobs', g.why, count(*)::float8, sum(b.size_bytes)::float8
   FROM cas_blob b LEFT JOIN gc_blob g ON g.cas_id = b.cas_id WHERE b.stored GROUP BY g.why`,
);

// An id and a hash can't be mistaken for each other, and all ids come before all hashes.
const ITEMS = statement<ItemRow>(
  'gc_items',
  `SELECT * FROM (
     SELECT a.id::text AS id, a.kind, NULL::float8 AS size_bytes, a.unreachable_since, g.why, g.id AS artifact_id,
       NULL::uuid AS run_id, NULL AS node, NULL::uuid AS proposal_id, NULL AS named_by
     FROM artifact a LEFT JOIN gc_artifact g ON g.id = a.id WHERE a.live
     UNION ALL
     SELECT b.cas_id, 'blob', b.size_bytes, b.unreachable_since, g.why, g.artifact_id, g.run_id, g.node, g.proposal_id, g.named_by
     FROM cas_blob b LEFT JOIN gc_blob g ON g.cas_id = b.cas_id WHERE b.stored
   ) i WHERE id > $1 AND ($2::boolean IS NULL OR (why IS NULL) = $2) ORDER BY id LIMIT $3`,
);

// From each artifact back to its root, and what is known of that.
const WAYS = statement<WayRow>(
  'gc_ways',
  `WITH RECURSIVE way AS (
     SELECT g.id AS leaf, g.*, 0 AS step FROM gc_artifact g WHERE g.id = ANY ($1::uuid[])
     UNION ALL
     SELECT w.leaf, g.*, w.step + 1 FROM way w JOIN gc_artifact g ON g.id = w.via
   )
   SELECT leaf, max(step) AS distance, (array_agg(id::text ORDER BY step DESC))[1:$2] AS via,
     max(project_id::text) AS project_id, max(name) AS name, max(seq) AS seq
   FROM way GROUP BY leaf`,
);

const OLDEST_STEP = statement<StepUnderWay>(
  'gc_oldest_step',
  `SELECT s.run_id, s.node, s.started_at FROM run r JOIN step s ON s.run_id = r.id
   WHERE r.ended_at IS NULL AND s.state = 'running' ORDER BY s.started_at, s.run_id, s.node LIMIT 1`,
);

/** How many things stay for one reason; `why` is null for those that would be collected. */
export interface TotalRow {
  things: 'artifacts' | 'blobs';
  why: string | null;
  count: number;
  bytes: number;
}

/** An artifact or a blob, and why it stays; null: it would be collected. */
export interface ItemRow {
  /** Artifact id or cas_id. */
  id: string;
  /** Kind of the artifact, or `blob`. */
  kind: string;
  size_bytes: number | null;
  unreachable_since: Date | null;
  why: string | null;
  /** The artifact that needs it: the last one of the way from the root. */
  artifact_id: string | null;
  run_id: string | null;
  node: string | null;
  proposal_id: string | null;
  /** The blob whose text names it. */
  named_by: string | null;
}

/** The way from a root to an artifact. */
export interface WayRow {
  leaf: string;
  /** Links between the two. */
  distance: number;
  /** Artifacts, the root's first. */
  via: string[];
  project_id: string | null;
  /** Tag, run or proposal. */
  name: string | null;
  /** Version of the tag, or number of the move. */
  seq: number | null;
}

export interface StepUnderWay {
  run_id: string;
  node: string;
  started_at: Date;
}

/** Adds artifacts that nothing needs but whose time has not come, at `depth`. */
export async function addYoungArtifacts(
  db: Db,
  { now, cutoff, grace_cutoff }: Cutoff,
  depth: number,
): Promise<void> {
  await run(db, YOUNG_ARTIFACTS, [now, cutoff, grace_cutoff, depth]);
}

/** The same for blobs. */
export async function addYoungBlobs(db: Db, { now, cutoff, grace_cutoff }: Cutoff): Promise<void> {
  await run(db, YOUNG_BLOBS, [now, cutoff, grace_cutoff]);
}

export function readTotals(db: Db): Promise<TotalRow[]> {
  return run(db, TOTALS, []);
}

/** Artifacts, then blobs, by id; `collected` true or false: only those that would be, or would not. */
export function readItems(
  db: Db,
  { after, collected, limit }: { after: string; collected?: boolean; limit: number },
): Promise<ItemRow[]> {
  return run(db, ITEMS, [after, collected ?? null, limit]);
}

/** The ways to these artifacts, each with at most `length` artifacts. */
export function readWays(db: Db, artifact_ids: readonly string[], length: number): Promise<WayRow[]> {
  return run(db, WAYS, [artifact_ids, length]);
}

/** The step that has been under way for longest. */
export async function oldestStep(db: Db): Promise<StepUnderWay | undefined> {
  return (await run(db, OLDEST_STEP, []))[0];
}
