import type { DeploymentPlace, ReleaseRecord } from '../contract/deployment.ts';
import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

export const RELEASE_COLUMNS = `r.id, e.project_id, e.name AS environment, r.environment_id, r.subject, r.number, r.kind, r.digest,
  r.artifact_ref, r.source, r.state, r.run_id, r.previous_id, r.reason, r.evidence_ref, r.created_by, r.created_at,
  r.live_at, r.ended_at`;
export const RELEASES = 'release r JOIN environment e ON e.id = r.environment_id';

const ORPHANED = 'NOT EXISTS (SELECT FROM run h WHERE h.id = r.run_id AND h.ended_at IS NULL)';

const ABANDONED_AT = statement<ReleaseRecord>(
  'release_abandoned_at',
  `SELECT ${RELEASE_COLUMNS} FROM unnest($1::uuid[], $2::text[]) p (environment_id, subject)
   JOIN deployment_target t USING (environment_id, subject)
   JOIN ${RELEASES} ON r.environment_id = p.environment_id AND r.subject = p.subject
     AND (r.state = 'deploying' OR (r.id = t.current_release_id AND r.run_id = t.run_id))
   WHERE ${ORPHANED} ORDER BY r.created_at DESC, r.id DESC`,
);

const OF_RUN = statement<ReleaseRecord>(
  'release_of_run',
  `SELECT ${RELEASE_COLUMNS} FROM ${RELEASES} WHERE r.run_id = $1 ORDER BY r.created_at, r.id`,
);

const NOTE_EVIDENCE = statement<never>(
  'release_note_evidence',
  'UPDATE release SET evidence_ref = $2 WHERE run_id = $1',
);

/**
 * What runs that have ended left at these places, deploying, or live with the place still taken; the last first. Who takes a place that another left makes what is live there look as if it was
 * kept.
 */
export function abandonedAt(db: Db, places: readonly DeploymentPlace[]): Promise<ReleaseRecord[]> {
  const environment_ids = places.map(({ environment_id }) => environment_id);
  return run(db, ABANDONED_AT, [environment_ids, places.map(({ subject }) => subject)]);
}

/** What a run brought anywhere, the first first. */
export function releasesOfRun(db: Db, run_id: string): Promise<ReleaseRecord[]> {
  return run(db, OF_RUN, [run_id]);
}

/** Notes what was seen, at everything a run brought anywhere. The blob is there, and too young to be collected. */
export async function noteEvidence(db: Db, run_id: string, evidence_ref: string): Promise<void> {
  await run(db, NOTE_EVIDENCE, [run_id, evidence_ref]);
}
