import type { DeploymentPlace } from '../contract/deployment.ts';
import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

export interface DeploymentHolder {
  environment_id: string;
  subject: string;
  run_id: string;
}

/** Whether the run that has a place, of the table aliased `t`, goes on; one that has ended has nothing. */
export const HOLDER_LIVES = 'EXISTS (SELECT FROM run h WHERE h.id = t.run_id AND h.ended_at IS NULL)';

const PLACES = 'unnest($1::uuid[], $2::text[]) p (environment_id, subject)';

// Everybody takes environments before places, and both in one order, so that no two wait for each other.
const ENVIRONMENTS = statement<{ id: string }>(
  'deployment_environments',
  'SELECT id FROM environment WHERE id = ANY ($1::uuid[]) ORDER BY id FOR KEY SHARE',
);

const MAKE = statement<never>(
  'deployment_places',
  `INSERT INTO deployment_target (environment_id, subject)
   SELECT p.environment_id, p.subject FROM ${PLACES} JOIN environment e ON e.id = p.environment_id
   ORDER BY p.environment_id, p.subject ON CONFLICT DO NOTHING`,
);

const HOLD = statement<never>(
  'deployment_hold',
  `SELECT FROM deployment_target t JOIN ${PLACES} USING (environment_id, subject)
   ORDER BY t.environment_id, t.subject FOR UPDATE OF t`,
);

// After the wait for the rows: who had them may have ended meanwhile.
const HOLDERS = statement<DeploymentHolder>(
  'deployment_holders',
  `SELECT t.environment_id, t.subject, t.run_id FROM deployment_target t JOIN ${PLACES} USING (environment_id, subject)
   WHERE t.run_id <> $3::uuid AND ${HOLDER_LIVES} ORDER BY t.environment_id, t.subject LIMIT 1`,
);

const TAKE = statement<{ environment_id: string }>(
  'deployment_take',
  `UPDATE deployment_target t SET run_id = $3::uuid,
     since = CASE WHEN t.run_id = $3::uuid THEN t.since ELSE clock_timestamp() END
   FROM ${PLACES} WHERE t.environment_id = p.environment_id AND t.subject = p.subject RETURNING t.environment_id`,
);

// In the order that everybody has.
const UNLOCK = statement<never>(
  'deployment_unlock',
  `UPDATE deployment_target t SET run_id = NULL, since = NULL
   FROM (
     SELECT environment_id, subject FROM deployment_target WHERE run_id = $1 ORDER BY environment_id, subject FOR UPDATE
   ) mine
   WHERE t.environment_id = mine.environment_id AND t.subject = mine.subject AND t.run_id = $1`,
);

/**
 * Gives a run all of these places, or none when another run that goes on has one of them: then that one is answered.
 * Undefined when an environment is not there any more.
 */
export function lockPlaces(
  db: Db,
  run_id: string,
  places: readonly DeploymentPlace[],
): Promise<{ held_by: DeploymentHolder | null } | undefined> {
  const environment_ids = places.map(({ environment_id }) => environment_id);
  const columns = [environment_ids, places.map(({ subject }) => subject)];
  return db.transaction(async (tx) => {
    const known = await run(tx, ENVIRONMENTS, [environment_ids]);
    if (known.length < new Set(environment_ids).size) return undefined;
    await run(tx, MAKE, columns);
    await run(tx, HOLD, columns);
    const [held_by] = await run(tx, HOLDERS, [...columns, run_id]);
    if (held_by) return { held_by };
    await run(tx, TAKE, [...columns, run_id]);
    return { held_by: null };
  });
}

/** Gives back all places that a run has. */
export async function unlockPlaces(db: Db, run_id: string): Promise<void> {
  await run(db, UNLOCK, [run_id]);
}
