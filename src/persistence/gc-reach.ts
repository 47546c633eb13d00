import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/**
 * What garbage collection works out, in temporary tables of its connection. `gc_artifact` has each artifact that is
 * needed, with the reason (`why`, and at depth 0 what it is about) and the next one on a shortest way to it (`via`).
 * `gc_blob` has each blob that is needed, and by what; those that `hold` are read for names of further ones. `gc_due` has
 * the blobs that are to be collected.
 */
const CREATE = [
  `CREATE TEMPORARY TABLE IF NOT EXISTS gc_artifact (
     id uuid PRIMARY KEY, depth integer NOT NULL, why text NOT NULL, via uuid, project_id uuid, name text, seq integer)`,
  'CREATE INDEX IF NOT EXISTS gc_artifact_depth ON gc_artifact (depth)',
  `CREATE TEMPORARY TABLE IF NOT EXISTS gc_blob (
     cas_id text PRIMARY KEY, why text NOT NULL, holds boolean NOT NULL, artifact_id uuid, run_id uuid, node text, proposal_id uuid,
     named_by text)`,
  'CREATE TEMPORARY TABLE IF NOT EXISTS gc_due (n integer PRIMARY KEY, cas_id text NOT NULL)',
  'TRUNCATE gc_artifact, gc_blob, gc_due',
].map((text, i) => statement<never>(`gc_begin_${i}`, text));

// A run is a root for as long as retention leaves it, a release for as long as its environment is there, what a proposal
// would change for as long as it may come to be approved.
const ROOTS = statement<never>(
  'gc_roots',
  `INSERT INTO gc_artifact (id, depth, why, project_id, name, seq)
   SELECT DISTINCT ON (s.id) s.id, 0, s.why, s.project_id, s.name, s.seq
   FROM (
     SELECT target_id AS id, 1 AS rank, 'tag' AS why, project_id, name, version AS seq FROM tag
     UNION ALL
     SELECT unnest(ARRAY[from_id, to_id]), 2, 'move', project_id, tag_name, seq FROM tag_move
     WHERE moved_at > now() - make_interval(secs => $1)
     UNION ALL
     SELECT target_id, 3, 'approval', project_id, tag_name, tag_version FROM tag_approval
     WHERE approved_at > now() - make_interval(secs => $1)
     UNION ALL
     SELECT unnest(ARRAY[artifact_id, manifest_id, snapshot_id]), 4, 'run', project_id, id::text, NULL FROM run
     UNION ALL
     SELECT r.artifact_id, 5, 'release', e.project_id, e.name, r.number FROM release r JOIN environment e ON e.id = r.environment_id
     WHERE r.artifact_id IS NOT NULL
     UNION ALL
     SELECT base_id, 6, 'proposal', project_id, id::text, NULL FROM proposal
     WHERE status IN ('processing', 'completed') AND base_id IS NOT NULL
   ) s JOIN artifact a ON a.id = s.id AND a.live
   ORDER BY s.id, s.rank, s.project_id, s.name, s.seq`,
);

const ALL_LIVE = statement<never>(
  'gc_all_live',
  `INSERT INTO gc_artifact (id, depth, why) SELECT id, 0, 'live' FROM artifact WHERE live`,
);

// Level by level, so that each artifact is met first on a shortest way. A chain of patches is its parents. The plan is made
// while the table is small, when a scan of it looks cheap; a thousand levels later it would not be.
const FOLLOW = statement<never>(
  'gc_follow',
  `DO $$
   DECLARE level integer := (SELECT max(depth) FROM gc_artifact);
   BEGIN
     PERFORM set_config('enable_seqscan', 'off', true);
     LOOP
       INSERT INTO gc_artifact (id, depth, why, via)
       SELECT DISTINCT ON (d.id) d.id, level + 1, f.why, f.id
       FROM gc_artifact f CROSS JOIN LATERAL (SELECT * FROM artifact v WHERE v.id = f.id LIMIT 1) a
       CROSS JOIN LATERAL unnest(a.parents || a.base_version || a.compacted_from_id) d (id)
       CROSS JOIN LATERAL (SELECT * FROM artifact v WHERE v.id = d.id LIMIT 1) t
       WHERE f.depth = level AND t.live
       ORDER BY d.id, f.id
       ON CONFLICT DO NOTHING;
       EXIT WHEN NOT FOUND;
       level := level + 1;
     END LOOP;
   END $$`,
);

const DEPTH = statement<{ depth: number }>(
  'gc_depth',
  'SELECT coalesce(max(depth), 0) AS depth FROM gc_artifact',
);

/** Empties the tables, making them first if they are not there. */
export async function beginReach(db: Db): Promise<void> {
  for (const each of CREATE) await run(db, each, []);
}

/** Everything that the roots lead to: tags, moves and approvals inside the undo window, runs, releases, open proposals. */
export async function reachFromRoots(db: Db, undo_window_seconds: number): Promise<void> {
  await run(db, ROOTS, [undo_window_seconds]);
  await run(db, FOLLOW, []);
}

/** Everything that was not collected yet, whether or not anything leads to it. */
export async function reachAllLive(db: Db): Promise<void> {
  await run(db, ALL_LIVE, []);
}

/** What the artifacts that were added last stand on. */
export async function follow(db: Db): Promise<void> {
  await run(db, FOLLOW, []);
}

/** The depth at which further artifacts are added, so that only they are followed. */
export async function nextDepth(db: Db): Promise<number> {
  return (await run(db, DEPTH, []))[0]!.depth + 1;
}
