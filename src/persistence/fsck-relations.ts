import type { Db } from './db.ts';
import type { Finding } from './fsck.ts';
import { run, statement } from './statement.ts';

/** Each query lists what must not be: what it is about, and what is wrong with it. */
const RELATIONS: Readonly<Record<string, string>> = {
  artifact_without_blob: `SELECT a.id::text AS about, 'its blob ' || a.cas_id || ' was collected' AS detail
    FROM artifact a JOIN cas_blob b ON b.cas_id = a.cas_id WHERE a.live AND NOT b.stored`,
  artifact_without_grant: `SELECT a.id::text, 'its project may not read its blob ' || a.cas_id FROM artifact a WHERE a.live
    AND NOT EXISTS (SELECT FROM blob_grant g WHERE g.project_id = a.project_id AND g.cas_id = a.cas_id)`,
  version_misnamed: `SELECT id::text, 'its content is ' || cas_id || ', its version hash ' || version_hash
    FROM artifact WHERE live AND kind = 'dag_version' AND cas_id <> version_hash`,
  chain_broken: `SELECT a.id::text, 'the patch before it, ' || coalesce(a.parents[1]::text, 'none') || ', is not there at place ' || a.depth - 1
    FROM artifact a LEFT JOIN artifact p ON p.id = a.parents[1] AND p.live AND p.depth = a.depth - 1
      AND coalesce(p.base_version, p.id) = a.base_version
    WHERE a.live AND a.kind = 'patch_set' AND p.id IS NULL`,
  tag_on_dead_version: `SELECT t.project_id || ' ' || t.name, 'it points at ' || t.target_id || ', which was collected'
    FROM tag t JOIN artifact a ON a.id = t.target_id WHERE NOT a.live`,
  tag_off_history: `SELECT t.project_id || ' ' || t.name, 'its history ends elsewhere'
    FROM tag t LEFT JOIN LATERAL (
      SELECT to_id, version FROM tag_move m WHERE m.project_id = t.project_id AND m.tag_name = t.name ORDER BY seq DESC LIMIT 1
    ) m ON true WHERE (m.to_id, m.version) IS DISTINCT FROM (t.target_id, t.version)`,
  history_gap: `SELECT project_id || ' ' || tag_name, 'its history has ' || count(*) || ' entries up to number ' || max(seq)
    FROM tag_move GROUP BY project_id, tag_name HAVING count(*) <> max(seq)`,
  history_broken: `SELECT m.project_id || ' ' || m.tag_name || ' ' || m.seq, 'it leaves another version than the entry before led to'
    FROM (SELECT *, lag(to_id) OVER (PARTITION BY project_id, tag_name ORDER BY seq) AS before FROM tag_move) m
    WHERE m.from_id IS DISTINCT FROM m.before`,
  snapshot_misnamed: `SELECT a.id::text, 'the snapshot of its plan is ' || m.cas_id
    FROM artifact a JOIN materialisation m ON m.plan_hash = a.plan_hash
    WHERE a.live AND a.kind = 'patch_set' AND m.cas_id <> a.version_hash`,
  run_without_value: `SELECT r.id || coalesce(' ' || r.node, ''), 'its value ' || r.ref || ' was collected'
    FROM (
      SELECT id, NULL AS node, unnest(ARRAY[input_ref, output_ref]) AS ref FROM run
      UNION ALL SELECT run_id, node, unnest(ARRAY[input_ref, output_ref, logs_ref]) FROM step
    ) r JOIN cas_blob b ON b.cas_id = r.ref WHERE NOT b.stored`,
  run_on_dead_version: `SELECT r.id::text, 'its version or record ' || a.id || ' was collected'
    FROM run r JOIN artifact a ON a.id IN (r.artifact_id, r.manifest_id, r.snapshot_id) WHERE NOT a.live`,
  release_without_value: `SELECT r.id::text, 'its artifact or evidence ' || b.cas_id || ' was collected'
    FROM release r JOIN cas_blob b ON b.cas_id IN (r.artifact_ref, r.evidence_ref) WHERE NOT b.stored`,
  release_on_dead_version: `SELECT r.id::text, 'its version ' || a.id || ' was collected'
    FROM release r JOIN artifact a ON a.id = r.artifact_id WHERE NOT a.live`,
  proposal_on_dead_version: `SELECT p.id::text, 'its version ' || a.id || ' was collected'
    FROM proposal p JOIN artifact a ON a.id = p.base_id WHERE NOT a.live AND p.status IN ('processing', 'completed')`,
  release_not_current: `SELECT r.id::text, 'it is live, but not what is current in its environment'
    FROM release r WHERE r.state = 'live' AND NOT EXISTS (SELECT FROM deployment_target t WHERE t.current_release_id = r.id)`,
};

const MAX_FINDINGS = 100_000;

const QUERIES = Object.entries(RELATIONS).map(([kind, query]) => ({
  kind,
  query: statement<Omit<Finding, 'kind'>>(
    `fsck_${kind}`,
    `SELECT about, detail FROM (${query}) f (about, detail) ORDER BY about, detail LIMIT ${MAX_FINDINGS}`,
  ),
}));

/** Everything wrong between rows, one kind of relation after the other. */
export async function* brokenRelations(db: Db): AsyncGenerator<Finding[]> {
  for (const { kind, query } of QUERIES) {
    const rows = await run(db, query, []);
    yield rows.map((row) => ({ kind, ...row }));
  }
}
