import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** How old a mark must be: what was marked up to `cutoff` may be collected. Times as text, to the microsecond. */
export interface Cutoff {
  /** The database's clock when it was asked. */
  now: string;
  cutoff: string;
  /** What `cutoff` would be if no step were under way. */
  grace_cutoff: string;
}

// What a step under way has stored is named nowhere before it ends. Storing takes a mark away, so what was marked before
// the oldest such step began is none of it.
const CUTOFF = statement<Cutoff>(
  'gc_cutoff',
  `SELECT t.now::text, least(t.now - t.grace, s.began - interval '1 microsecond')::text AS cutoff, (t.now - t.grace)::text AS grace_cutoff
   FROM (SELECT clock_timestamp() AS now, make_interval(secs => $1) AS grace) t, (
     SELECT min(s.started_at) AS began FROM run r JOIN step s ON s.run_id = r.id
     WHERE r.ended_at IS NULL AND s.state = 'running'
   ) s`,
);

const DUE_ARTIFACTS = statement<{ id: string }>(
  'gc_due_artifacts',
  `SELECT a.id FROM artifact a
   WHERE a.live AND a.unreachable_since <= $1::timestamptz AND a.id < $2::uuid AND NOT EXISTS (SELECT FROM gc_artifact g WHERE g.id = a.id)
   ORDER BY a.id DESC LIMIT $3 FOR UPDATE OF a SKIP LOCKED`,
);

/** What an artifact stands on; the table must be aliased `a`. */
const BASIS = 'unnest(a.parents || a.base_version || a.compacted_from_id) d (id)';

// A statement after the locks: it sees every tag, move, approval, run and version that made one of these needed before
// the locks were had, and none can come after. What a kept one stands on is kept too.
const COLLECT_ARTIFACTS = statement<{ id: string }>(
  'gc_collect_artifacts',
  `WITH RECURSIVE batch AS (
     SELECT * FROM artifact WHERE id = ANY ($1::uuid[])
   ), needed AS (
     SELECT b.id FROM batch b WHERE EXISTS (SELECT FROM tag t WHERE t.target_id = b.id)
       OR EXISTS (SELECT FROM tag_move m WHERE m.to_id = b.id AND m.moved_at > now() - make_interval(secs => $2))
       OR EXISTS (SELECT FROM tag_approval p WHERE p.target_id = b.id AND p.approved_at > now() - make_interval(secs => $2))
       OR EXISTS (SELECT FROM run r WHERE r.artifact_id = b.id)
       OR EXISTS (SELECT FROM release r WHERE r.artifact_id = b.id)
       OR EXISTS (SELECT FROM proposal p WHERE p.base_id = b.id AND p.status IN ('processing', 'completed'))
     UNION
     SELECT d.id FROM artifact a CROSS JOIN LATERAL ${BASIS}
     WHERE a.live AND a.id <> ALL ($1::uuid[]) AND d.id = ANY ($1::uuid[])
   ), kept AS (
     SELECT id FROM needed
     UNION
     SELECT d.id FROM kept k JOIN batch a ON a.id = k.id CROSS JOIN LATERAL ${BASIS} JOIN batch t ON t.id = d.id
   )
   UPDATE artifact SET live = false WHERE id = ANY ($1::uuid[]) AND id NOT IN (SELECT id FROM kept) RETURNING id`,
);

const FORGET_SNAPSHOTS = statement<never>(
  'gc_forget_snapshots',
  `DELETE FROM materialisation m WHERE NOT EXISTS (
     SELECT FROM artifact a WHERE a.plan_hash = m.plan_hash AND a.kind = 'patch_set' AND a.live)`,
);

// Once: looking for what is due again in each step would cost more than taking it.
const LIST_BLOBS = statement<{ count: number }>(
  'gc_list_blobs',
  `WITH listed AS (
     INSERT INTO gc_due (n, cas_id)
     SELECT row_number() OVER (ORDER BY b.cas_id), b.cas_id FROM cas_blob b
     WHERE b.stored AND b.unreachable_since <= $1::timestamptz AND NOT EXISTS (SELECT FROM gc_blob g WHERE g.cas_id = b.cas_id)
     RETURNING 1
   )
   SELECT count(*)::integer AS count FROM listed`,
);

const DUE_BLOBS = statement<{ cas_id: string }>(
  'gc_due_blobs',
  'SELECT cas_id FROM gc_due WHERE n > $1 AND n <= $2',
);

const LOCK_BLOBS = statement<{ cas_id: string }>(
  'gc_lock_blobs',
  'SELECT cas_id FROM cas_blob WHERE cas_id = ANY ($1::text[]) FOR UPDATE SKIP LOCKED',
);

// The object goes with the next sweep, whatever its age: it is no upload that may still come to be named.
const COLLECT_BLOBS = statement<{ size_bytes: number }>(
  'gc_collect_blobs',
  `WITH gone AS (
     SELECT cas_id, size_bytes, storage_url FROM cas_blob b
     WHERE cas_id = ANY ($1::text[]) AND stored AND unreachable_since <= $2::timestamptz
       AND NOT EXISTS (SELECT FROM artifact a WHERE a.cas_id = b.cas_id AND a.live)
       AND NOT EXISTS (SELECT FROM run r WHERE r.input_ref = b.cas_id)
       AND NOT EXISTS (SELECT FROM run r WHERE r.output_ref = b.cas_id)
       AND NOT EXISTS (SELECT FROM step s WHERE s.input_ref = b.cas_id)
       AND NOT EXISTS (SELECT FROM step s WHERE s.output_ref = b.cas_id)
       AND NOT EXISTS (SELECT FROM step s WHERE s.logs_ref = b.cas_id)
       AND NOT EXISTS (SELECT FROM agent_task k WHERE k.task_ref = b.cas_id)
       AND NOT EXISTS (SELECT FROM release r WHERE r.artifact_ref = b.cas_id)
       AND NOT EXISTS (SELECT FROM release r WHERE r.evidence_ref = b.cas_id)
   ), emptied AS (
     UPDATE cas_blob b SET content = NULL, storage_url = NULL, slice_hashes = NULL, collected_at = now()
     FROM gone WHERE b.cas_id = gone.cas_id
   ), unnamed AS (
     DELETE FROM blob_names n USING gone WHERE n.cas_id = gone.cas_id
   ), queued AS (
     INSERT INTO object_garbage (storage_url, queued_at) SELECT storage_url, '-infinity' FROM gone WHERE storage_url IS NOT NULL
     ON CONFLICT (storage_url) DO UPDATE SET queued_at = excluded.queued_at
   )
   SELECT size_bytes::float8 AS size_bytes FROM gone`,
);

/** What came of one step through the artifacts that are due. */
export interface ArtifactStep {
  /** Where the next step goes on. */
  after: string;
  collected: number;
}

export const FIRST_ARTIFACT = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** What may be collected now, when things must have been unreachable for `grace_seconds`. */
export async function cutoffFor(db: Db, grace_seconds: number): Promise<Cutoff> {
  return (await runOne(db, CUTOFF, [grace_seconds]))!;
}

/**
 * Collects of the next `limit` due artifacts, newest first, those that nothing came to need meanwhile. Undefined when
 * there was none left after `after`.
 */
export function collectArtifacts(
  db: Db,
  step: { cutoff: string; after: string; limit: number; undo_window_seconds: number },
): Promise<ArtifactStep | undefined> {
  return db.transaction(async (tx) => {
    const due = (await run(tx, DUE_ARTIFACTS, [step.cutoff, step.after, step.limit])).map((row) => row.id);
    if (due.length === 0) return undefined;
    const collected = await run(tx, COLLECT_ARTIFACTS, [due, step.undo_window_seconds]);
    return { after: due.at(-1)!, collected: collected.length };
  });
}

/** Forgets which blob a plan comes to, for plans of collected patches. */
export async function forgetSnapshots(db: Db): Promise<void> {
  await run(db, FORGET_SNAPSHOTS, []);
}

/** Lists the blobs that are due, by cas_id; says how many. */
export async function listDueBlobs(db: Db, cutoff: string): Promise<number> {
  return (await runOne(db, LIST_BLOBS, [cutoff]))!.count;
}

/** Collects of the blobs listed after number `from` and up to `to` those that nothing came to need meanwhile. */
export function collectBlobs(
  db: Db,
  step: { cutoff: string; from: number; to: number },
): Promise<{ collected: number; bytes: number }> {
  return db.transaction(async (tx) => {
    const due = (await run(tx, DUE_BLOBS, [step.from, step.to])).map((row) => row.cas_id);
    const locked = (await run(tx, LOCK_BLOBS, [due])).map((row) => row.cas_id);
    const gone = await run(tx, COLLECT_BLOBS, [locked, step.cutoff]);
    return { collected: gone.length, bytes: gone.reduce((sum, { size_bytes }) => sum + size_bytes, 0) };
  });
}
