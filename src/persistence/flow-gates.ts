/**
 * When a run may start, as conditions on its row `r`. They are exact only under the locks of its keys; without them they
 * pick who is worth trying.
 */

/** A slot of a key is the open run that was admitted under it. */
const holds = (run: string): string => `${run}.admitted_at IS NOT NULL AND ${run}.ended_at IS NULL`;

/** Accepted under a limit and not admitted: nothing has ever been asked to carry it out. */
export const IS_HELD = `(r.admitted_at IS NULL AND num_nonnulls(r.flow_key, r.rate_key, r.start_id) > 0)`;

/** A paused run keeps its place and is passed over. */
export const WAITS = `r.admitted_at IS NULL AND r.ended_at IS NULL AND r.state = 'queued'`;

/** Who goes first: 1 before 5, then the older one. */
export const IN_TURN = 'r.priority, r.created_at, r.id';

/** Fewer runs hold the key than the newest of its open runs allows. */
export const roomUnder = (project: string, key: string): string => `(
  (SELECT count(*) FROM run h WHERE h.project_id = ${project} AND h.flow_key = ${key} AND ${holds('h')}) <
  (SELECT n.flow_limit FROM run n WHERE n.project_id = ${project} AND n.flow_key = ${key} AND n.ended_at IS NULL
   ORDER BY n.created_at DESC, n.id DESC LIMIT 1))`;

export const ROOM = `(r.flow_key IS NULL OR ${roomUnder('r.project_id', 'r.flow_key')})`;

export const ID_FREE = `(r.start_id IS NULL OR NOT EXISTS (
  SELECT FROM run s WHERE s.project_id = r.project_id AND s.workflow = r.workflow AND s.start_id = r.start_id AND ${holds('s')}))`;

/** When the next start of a rate is due, by what its last one stood for; null before the first. */
export const beatAfter = (last: string): string =>
  `${last} + make_interval(secs => 1 / greatest(r.rate_per_second, 1e-9))`;

export const BEAT = beatAfter(
  '(SELECT max(b.rate_slot) FROM run b WHERE b.project_id = r.project_id AND b.rate_key = r.rate_key)',
);

export const isDue = (beat: string): string =>
  `(r.rate_key IS NULL OR coalesce(${beat} <= clock_timestamp(), true))`;
