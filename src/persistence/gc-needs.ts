import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** What a hash looks like in a text. */
const NAME = 'sha256:[0-9a-f]{64}';

// A patch needs its operations and the definition they lead to. `holds` wins: a blob that was only named before may be
// what an artifact is made of, and then what it names counts too.
const OF_ARTIFACTS = statement<never>(
  'gc_blobs_of_artifacts',
  `INSERT INTO gc_blob AS k (cas_id, why, holds, artifact_id)
   SELECT DISTINCT ON (b.cas_id) b.cas_id, g.why, true, g.id
   FROM gc_artifact g JOIN artifact a ON a.id = g.id CROSS JOIN LATERAL (VALUES (a.cas_id), (a.version_hash)) n (cas_id)
   JOIN cas_blob b ON b.cas_id = n.cas_id AND b.stored
   WHERE g.depth >= $1 ORDER BY b.cas_id, g.depth, g.id
   ON CONFLICT (cas_id) DO UPDATE SET holds = true WHERE NOT k.holds`,
);

const OF_RUNS = statement<never>(
  'gc_blobs_of_runs',
  `INSERT INTO gc_blob (cas_id, why, holds, run_id, node)
   SELECT DISTINCT ON (b.cas_id) b.cas_id, 'run', true, r.run_id, r.node
   FROM (
     SELECT id AS run_id, NULL AS node, unnest(ARRAY[input_ref, output_ref]) AS ref FROM run
     WHERE num_nonnulls(input_ref, output_ref) > 0
     UNION ALL
     SELECT run_id, node, unnest(ARRAY[input_ref, output_ref, logs_ref]) FROM step
     WHERE num_nonnulls(input_ref, output_ref, logs_ref) > 0
     UNION ALL
     SELECT run_id, node, task_ref FROM agent_task WHERE task_ref IS NOT NULL
   ) r JOIN cas_blob b ON b.cas_id = r.ref AND b.stored
   ORDER BY b.cas_id, r.run_id, r.node
   ON CONFLICT DO NOTHING`,
);

// What a program made is named nowhere but in the output of its step, and a checkpoint of a runtime outside in what it said.
const NAMED_BY_RUNS = statement<never>(
  'gc_named_by_runs',
  `INSERT INTO gc_blob (cas_id, why, holds, run_id, node)
   SELECT DISTINCT ON (b.cas_id) b.cas_id, 'run', false, t.run_id, t.node
   FROM (
     SELECT r.id AS run_id, NULL AS node, v.value
     FROM run r CROSS JOIN LATERAL (VALUES (r.input::text), (r.params::text), (r.output::text), (r.error::text)) v (value)
     UNION ALL
     SELECT s.run_id, s.node, v.value FROM step s CROSS JOIN LATERAL (VALUES (s.output::text), (s.error::text)) v (value)
     UNION ALL
     SELECT run_id, NULL, applied::text FROM run_command
     UNION ALL
     SELECT run_id, NULL, metrics::text FROM run_heartbeat
     UNION ALL
     SELECT run_id, node, task::text FROM agent_task
   ) t CROSS JOIN LATERAL regexp_matches(t.value, '${NAME}', 'g') m JOIN cas_blob b ON b.cas_id = m[1] AND b.stored
   WHERE t.value LIKE '%sha256:%'
   ORDER BY b.cas_id, t.run_id, t.node
   ON CONFLICT DO NOTHING`,
);

// An artifact's blob lists what the artifact is made of, and evidence what was seen. `holds` wins here too.
const OF_RELEASES = statement<never>(
  'gc_blobs_of_releases',
  `INSERT INTO gc_blob AS k (cas_id, why, holds, run_id)
   SELECT DISTINCT ON (b.cas_id) b.cas_id, 'release', true, r.run_id
   FROM release r CROSS JOIN LATERAL (VALUES (r.artifact_ref), (r.evidence_ref)) n (cas_id)
   JOIN cas_blob b ON b.cas_id = n.cas_id AND b.stored
   ORDER BY b.cas_id, r.created_at, r.id
   ON CONFLICT (cas_id) DO UPDATE SET holds = true WHERE NOT k.holds`,
);

const NAMED_BY_RELEASES = statement<never>(
  'gc_named_by_releases',
  `INSERT INTO gc_blob (cas_id, why, holds, run_id)
   SELECT DISTINCT ON (b.cas_id) b.cas_id, 'release', false, r.run_id
   FROM release r CROSS JOIN LATERAL regexp_matches(r.digest || ' ' || r.source::text, '${NAME}', 'g') m
   JOIN cas_blob b ON b.cas_id = m[1] AND b.stored
   ORDER BY b.cas_id, r.created_at, r.id
   ON CONFLICT DO NOTHING`,
);

// The files that a proposal brings: in its patch, too.
const NAMED_BY_PROPOSALS = statement<never>(
  'gc_named_by_proposals',
  `INSERT INTO gc_blob (cas_id, why, holds, proposal_id)
   SELECT DISTINCT ON (b.cas_id) b.cas_id, 'proposal', false, p.id
   FROM proposal p CROSS JOIN LATERAL regexp_matches(concat(p.patch, p.files), '${NAME}', 'g') m
   JOIN cas_blob b ON b.cas_id = m[1] AND b.stored
   WHERE p.status = 'completed'
   ORDER BY b.cas_id, p.id
   ON CONFLICT DO NOTHING`,
);

// The names are looked for only where the bytes of "sha256:" are; escaped, because bytes need not be text. In order, so that
// two passes at once wait for each other in one direction only.
const SCAN = statement<{ cas_id: string }>(
  'gc_scan',
  `INSERT INTO blob_names (cas_id, names)
   SELECT b.cas_id, CASE WHEN position('\\x7368613235363a'::bytea IN b.content) = 0 THEN '{}'
     ELSE ARRAY(SELECT DISTINCT m[1] FROM regexp_matches(encode(b.content, 'escape'), '${NAME}', 'g') m) END
   FROM gc_blob g JOIN cas_blob b ON b.cas_id = g.cas_id
   WHERE g.holds AND b.content IS NOT NULL AND NOT EXISTS (SELECT FROM blob_names n WHERE n.cas_id = b.cas_id)
   ORDER BY b.cas_id LIMIT $1 ON CONFLICT DO NOTHING RETURNING cas_id`,
);

const UNSCANNED = statement<UnscannedObject>(
  'gc_unscanned',
  `SELECT b.cas_id, b.storage_url, b.size_bytes::float8 AS size_bytes FROM gc_blob g JOIN cas_blob b ON b.cas_id = g.cas_id
   WHERE g.holds AND b.storage_url IS NOT NULL AND b.cas_id > $1
     AND NOT EXISTS (SELECT FROM blob_names n WHERE n.cas_id = b.cas_id)
   ORDER BY b.cas_id LIMIT $2`,
);

const RECORD = statement<never>(
  'gc_record_names',
  'INSERT INTO blob_names (cas_id, names) VALUES ($1, $2) ON CONFLICT DO NOTHING',
);

const NAMED_BY_BLOBS = statement<never>(
  'gc_named_by_blobs',
  `INSERT INTO gc_blob (cas_id, why, holds, artifact_id, run_id, node, proposal_id, named_by)
   SELECT DISTINCT ON (b.cas_id) b.cas_id, g.why, false, g.artifact_id, g.run_id, g.node, g.proposal_id, g.cas_id
   FROM gc_blob g JOIN blob_names n ON n.cas_id = g.cas_id CROSS JOIN LATERAL unnest(n.names) m (cas_id)
   JOIN cas_blob b ON b.cas_id = m.cas_id AND b.stored
   WHERE g.holds ORDER BY b.cas_id, g.cas_id
   ON CONFLICT DO NOTHING`,
);

/** A blob to be read for names that is not in its row. */
export interface UnscannedObject {
  cas_id: string;
  storage_url: string;
  size_bytes: number;
}

/** Adds the blobs that artifacts from `depth` on are made of. */
export async function needOfArtifacts(db: Db, depth: number): Promise<void> {
  await run(db, OF_ARTIFACTS, [depth]);
}

/** Adds the blobs that runs and their steps refer to, then those that their values name. */
export async function needOfRuns(db: Db): Promise<void> {
  await run(db, OF_RUNS, []);
  await run(db, NAMED_BY_RUNS, []);
}

/** Adds the blobs that releases refer to, then those that their sources name. */
export async function needOfReleases(db: Db): Promise<void> {
  await run(db, OF_RELEASES, []);
  await run(db, NAMED_BY_RELEASES, []);
}

/** Adds the blobs that proposals bring that may still be approved. */
export async function needOfProposals(db: Db): Promise<void> {
  await run(db, NAMED_BY_PROPOSALS, []);
}

/** Finds the names in at most `limit` blobs that were not looked at yet; false when there was none. */
export async function scanInline(db: Db, limit: number): Promise<boolean> {
  return (await run(db, SCAN, [limit])).length > 0;
}

/** Objects that were not looked at yet, by cas_id. */
export function listUnscanned(
  db: Db,
  { after, limit }: { after: string; limit: number },
): Promise<UnscannedObject[]> {
  return run(db, UNSCANNED, [after, limit]);
}

export async function recordNames(db: Db, cas_id: string, names: readonly string[]): Promise<void> {
  await run(db, RECORD, [cas_id, names]);
}

/** Adds the blobs that needed ones name. */
export async function needOfNames(db: Db): Promise<void> {
  await run(db, NAMED_BY_BLOBS, []);
}
