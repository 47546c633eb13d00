import { sql } from 'drizzle-orm';
import { v7 } from 'uuid';
import type { Db } from '../../src/persistence/db.ts';
import { environmentRepository } from '../../src/persistence/environments.ts';
import { releaseRepository } from '../../src/persistence/releases.ts';
import { insertRun } from './runs.ts';
import { PROJECT_ID } from './store.ts';

/**
 * What the head tag of a workflow points at, live in an environment of the default project as a deployment that has
 * ended leaves it; answers the id of the release.
 */
export async function bringLive(db: Db, environment: string, workflow: string): Promise<string> {
  const releases = releaseRepository(db);
  const { id: environment_id } = (await environmentRepository(db).find(PROJECT_ID, environment))!;
  const { rows } = await db.execute<{ artifact_id: string; version_hash: string }>(
    sql`SELECT a.id AS artifact_id, a.version_hash FROM tag t JOIN artifact a ON a.id = t.target_id
        WHERE t.project_id = ${PROJECT_ID} AND t.name = ${workflow}`,
  );
  const { artifact_id, version_hash } = rows[0]!;
  const run_id = await insertRun(db, { artifact_id, version_hash });
  const place = { environment_id, subject: workflow };
  await releases.lock(run_id, [place]);
  const what = {
    kind: 'workflow',
    digest: version_hash,
    artifact_ref: null,
    source: { artifact_id },
  } as const;
  const { id } = await releases.begin({ ...place, ...what, id: v7(), run_id, created_by: 'test' });
  await releases.goLive(id);
  await releases.unlock(run_id);
  await db.execute(sql`UPDATE run SET state = 'completed', ended_at = now() WHERE id = ${run_id}`);
  return id;
}
