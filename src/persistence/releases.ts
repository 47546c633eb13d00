import type { DeploymentPlace, ReleaseKind, ReleaseRecord } from '../contract/deployment.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Db } from './db.ts';
import { abandonedAt, noteEvidence, RELEASE_COLUMNS, RELEASES, releasesOfRun } from './releases-of-runs.ts';
import { keepNamedBy } from './releases-keep.ts';
import { type DeploymentHolder, HOLDER_LIVES, lockPlaces, unlockPlaces } from './releases-lock.ts';
import { run, runOne, statement } from './statement.ts';

export interface NewRelease extends DeploymentPlace {
  id: string;
  kind: ReleaseKind;
  digest: string;
  artifact_ref: string | null;
  /** `artifact_id` names the version of a workflow. */
  source: JsonObject;
  run_id: string;
  created_by: string;
}

export interface TakeBack {
  state: 'undone' | 'failed';
  reason: string | null;
  /** The run that takes it back, when it is not the one that brought it. */
  by?: string;
}

export interface ReleasePosition {
  created_at: Date;
  id: string;
}

const CURRENT = statement<ReleaseRecord>(
  'release_current',
  `SELECT ${RELEASE_COLUMNS} FROM deployment_target t JOIN ${RELEASES} ON r.id = t.current_release_id
   WHERE t.environment_id = $1 AND t.subject = $2`,
);

const FIND = statement<ReleaseRecord>(
  'release_find',
  `SELECT ${RELEASE_COLUMNS} FROM ${RELEASES} WHERE r.id = $2 AND ($1::uuid IS NULL OR e.project_id = $1)`,
);

const LIST = statement<ReleaseRecord>(
  'release_list',
  `SELECT ${RELEASE_COLUMNS} FROM ${RELEASES} WHERE r.environment_id = $1 AND ($2::text IS NULL OR r.subject = $2)
     AND ($3::timestamptz IS NULL OR (r.created_at, r.id) < ($3, $4::uuid))
   ORDER BY r.created_at DESC, r.id DESC LIMIT $5`,
);

// Whoever changes a place waits for its row first, and reads only then.
const HOLD = statement<{ project_id: string; is_mine: boolean }>(
  'release_hold',
  `SELECT e.project_id, coalesce(t.run_id = $3::uuid AND ${HOLDER_LIVES}, false) AS is_mine
   FROM deployment_target t JOIN environment e ON e.id = t.environment_id
   WHERE t.environment_id = $1 AND t.subject = $2 FOR KEY SHARE OF e FOR UPDATE OF t`,
);

// To the millisecond: a page ends at a time that a caller has seen.
const BEGIN = statement<never>(
  'release_begin',
  `WITH place AS (
     UPDATE deployment_target SET last_number = last_number + 1
     WHERE environment_id = $2 AND subject = $3 AND NOT EXISTS (SELECT FROM release WHERE id = $1)
     RETURNING last_number, current_release_id
   )
   INSERT INTO release (id, environment_id, subject, number, kind, digest, artifact_ref, source, artifact_id, state, run_id,
     previous_id, created_by, created_at)
   SELECT $1::uuid, $2, $3, last_number, $4, $5, $6, $7::json, ($7::json ->> 'artifact_id')::uuid, 'deploying', $8::uuid,
     current_release_id, $9, date_trunc('milliseconds', clock_timestamp()) FROM place`,
);

const GO_LIVE = statement<never>(
  'release_go_live',
  `WITH before AS (
     UPDATE release b SET state = 'superseded', ended_at = clock_timestamp()
     FROM release r JOIN deployment_target t USING (environment_id, subject)
     WHERE r.id = $1 AND r.state = 'deploying' AND b.id = t.current_release_id AND b.state = 'live'
   ), place AS (
     UPDATE deployment_target t SET current_release_id = r.id FROM release r
     WHERE r.id = $1 AND r.state = 'deploying' AND t.environment_id = r.environment_id AND t.subject = r.subject
   )
   UPDATE release SET state = 'live', live_at = clock_timestamp() WHERE id = $1 AND state = 'deploying'`,
);

const TAKE_BACK = statement<never>(
  'release_take_back',
  `WITH place AS (
     UPDATE deployment_target t SET current_release_id = b.id
     FROM release r LEFT JOIN release b ON b.id = r.previous_id AND b.state = 'superseded'
     WHERE r.id = $1 AND r.state = 'live' AND t.current_release_id = r.id
   ), before AS (
     UPDATE release b SET state = 'live', ended_at = NULL
     FROM release r JOIN deployment_target t ON t.current_release_id = r.id
     WHERE r.id = $1 AND r.state = 'live' AND b.id = r.previous_id AND b.state = 'superseded'
   )
   UPDATE release SET state = $2, reason = $3, ended_at = clock_timestamp()
   WHERE id = $1 AND state IN ('deploying', 'live')`,
);

/** Whether another run that goes on has the place, so that what is current there is not this one's to change. */
const HELD_BY_OTHER = statement<DeploymentHolder>(
  'release_held_by_other',
  `SELECT t.environment_id, t.subject, t.run_id FROM deployment_target t
   WHERE t.environment_id = $1 AND t.subject = $2 AND t.run_id <> $3::uuid AND ${HOLDER_LIVES}`,
);

/**
 * What was brought where. Only the run that has a place, and goes on, can begin something there and make it live: a run
 * that lost it meanwhile is refused with `state_conflict`.
 */
export function releaseRepository(db: Db) {
  return {
    /**
     * All of these places or, when another run that goes on has one, none. Repeating it changes nothing. Throws
     * `not_found` when an environment is gone.
     */
    async lock(
      run_id: string,
      places: readonly DeploymentPlace[],
    ): Promise<{ held_by: DeploymentHolder | null }> {
      const locked = await lockPlaces(db, run_id, places);
      if (locked) return locked;
      throw new AppError('not_found', { detail: 'The environment is not there any more.' });
    },

    /** Gives back everything the run has. */
    unlock: (run_id: string): Promise<void> => unlockPlaces(db, run_id),

    /** What is live. */
    current: (environment_id: string, subject: string): Promise<ReleaseRecord | undefined> =>
      runOne(db, CURRENT, [environment_id, subject]),

    /** The same release comes back for the same id. Also throws `blob_collected` when what it names is gone. */
    begin: (release: NewRelease): Promise<ReleaseRecord> => begin(db, release),

    /** It is live, and what was live before is superseded. A second time changes nothing. */
    goLive: (id: string): Promise<ReleaseRecord> => goLive(db, id),

    /**
     * It is not live any more; if it was the current one, what was live before it is live again. A second time changes
     * nothing, and neither does it for one that was superseded. Throws `state_conflict` when it is current and another
     * run that goes on has the place.
     */
    takeBack: (id: string, end: TakeBack): Promise<ReleaseRecord> => takeBack(db, id, end),

    /** Newest first; without a subject, of all. */
    list: (
      { environment_id, subject }: { environment_id: string; subject?: string },
      { after, limit }: { after?: ReleasePosition; limit: number },
    ): Promise<ReleaseRecord[]> =>
      run(db, LIST, [environment_id, subject ?? null, after?.created_at ?? null, after?.id ?? null, limit]),

    find: (project_id: string, id: string): Promise<ReleaseRecord | undefined> =>
      runOne(db, FIND, [project_id, id]),

    /** What was begun at these places by runs that are over, and never undone; the last first. */
    abandonedAt: (places: readonly DeploymentPlace[]): Promise<ReleaseRecord[]> => abandonedAt(db, places),

    /** What a run brought anywhere, the first first. */
    ofRun: (run_id: string): Promise<ReleaseRecord[]> => releasesOfRun(db, run_id),

    /** Notes what was seen, at everything a run brought anywhere. */
    noteEvidence: (run_id: string, evidence_ref: string): Promise<void> =>
      noteEvidence(db, run_id, evidence_ref),
  };
}

export type ReleaseRepository = ReturnType<typeof releaseRepository>;

function begin(db: Db, release: NewRelease): Promise<ReleaseRecord> {
  const { id, environment_id, subject, run_id, source, artifact_ref } = release;
  return db.transaction(async (tx) => {
    const place = await runOne(tx, HOLD, [environment_id, subject, run_id]);
    if (!place?.is_mine) throw lostPlace();
    await keepNamedBy(tx, place.project_id, release);
    const { kind, digest, created_by } = release;
    const origin = [kind, digest, artifact_ref, JSON.stringify(source), run_id, created_by];
    await run(tx, BEGIN, [id, environment_id, subject, ...origin]);
    const begun = await found(tx, id);
    if (begun.run_id === run_id && begun.environment_id === environment_id) return begun;
    throw new AppError('state_conflict', { detail: 'This id is that of another release.' });
  });
}

function goLive(db: Db, id: string): Promise<ReleaseRecord> {
  return db.transaction(async (tx) => {
    const { release, is_mine } = await hold(tx, id);
    if (release.state === 'live') return release;
    if (!is_mine) throw lostPlace();
    if (release.state !== 'deploying')
      throw new AppError('state_conflict', { detail: `The release is ${release.state} already.` });
    await run(tx, GO_LIVE, [id]);
    return found(tx, id);
  });
}

function takeBack(db: Db, id: string, { state, reason, by }: TakeBack): Promise<ReleaseRecord> {
  return db.transaction(async (tx) => {
    const { release } = await hold(tx, id);
    if (release.state !== 'deploying' && release.state !== 'live') return release;
    if (release.state === 'live') await requireNobodyElse(tx, { ...release, run_id: by ?? release.run_id });
    await run(tx, TAKE_BACK, [id, state, reason]);
    return found(tx, id);
  });
}

/** The release as it is once its place waits for nobody but this transaction. */
async function hold(tx: Db, id: string): Promise<{ release: ReleaseRecord; is_mine: boolean }> {
  const { environment_id, subject, run_id } = await found(tx, id);
  const place = await runOne(tx, HOLD, [environment_id, subject, run_id]);
  return { release: await found(tx, id), is_mine: place?.is_mine ?? false };
}

async function found(db: Db, id: string): Promise<ReleaseRecord> {
  const release = await runOne(db, FIND, [null, id]);
  if (release) return release;
  throw new AppError('not_found', { detail: 'There is no such release.' });
}

async function requireNobodyElse(tx: Db, { environment_id, subject, run_id }: ReleaseRecord): Promise<void> {
  if (await runOne(tx, HELD_BY_OTHER, [environment_id, subject, run_id])) throw lostPlace();
}

const lostPlace = () =>
  new AppError('state_conflict', { detail: 'Another deployment has this environment by now.' });
