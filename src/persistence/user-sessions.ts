import type { Standing } from '../contract/principal.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** A standing, and until when the session that showed it lasts. */
export type SessionStanding = Standing & { expires_at: Date };

/** What became of a refresh token that was shown. */
export type Refreshed = { session_id: string; user_id: string; expires_at: Date } | 'stolen' | 'unknown';

/** Who is signed in. */
export function userSessionRepository(db: Db) {
  return {
    /** Begins a session of `days` days; answers its end. */
    async begin(id: string, user_id: string, refresh_hash: Buffer, days: number): Promise<Date> {
      return (await runOne(db, BEGIN, [id, user_id, refresh_hash, days]))!.expires_at;
    },

    /** What its user may do now; undefined: the session is over, or its user is not to come in any more. */
    standing: (id: string, user_id: string): Promise<SessionStanding | undefined> =>
      runOne(db, STANDING, [id, user_id]),

    /** Puts a new token in the place of one that is good once. One that was used before ends its session. */
    async refresh(used: Buffer, next: Buffer): Promise<Refreshed> {
      const fresh = await runOne(db, REFRESH, [used, next]);
      if (fresh) return fresh;
      return (await run(db, REVOKE_STOLEN, [used])).length > 0 ? 'stolen' : 'unknown';
    },

    /** Ends a session, or all of a user's. */
    async revoke(user_id: string, id?: string): Promise<void> {
      await run(db, REVOKE, [user_id, id ?? null]);
    },

    /** Deletes a batch of those that are over for good; says how many. */
    async forget(limit: number): Promise<number> {
      return (await run(db, FORGET, [limit])).length;
    },
  };
}

export type UserSessionRepository = ReturnType<typeof userSessionRepository>;

/** Of `u`, a user: what `Standing` holds. */
export const STANDING_COLUMNS = `u.id AS user_id, u.permissions, (
     SELECT coalesce(json_agg(json_build_object('project_id', m.project_id, 'role', m.role) ORDER BY m.created_at, m.project_id), '[]')
     FROM project_member m JOIN project p ON p.id = m.project_id AND p.status <> 'deleted' WHERE m.user_id = u.id
   ) AS memberships`;

const OPEN = `s.revoked_at IS NULL AND s.expires_at > now()`;

const BEGIN = statement<{ expires_at: Date }>(
  'user_session_begin',
  `WITH begun AS (
     INSERT INTO user_session (id, user_id, expires_at) VALUES ($1, $2, now() + make_interval(days => $4))
     RETURNING id, expires_at
   ), issued AS (INSERT INTO refresh_token (hash, session_id) SELECT $3, id FROM begun)
   SELECT expires_at FROM begun`,
);

const STANDING = statement<SessionStanding>(
  'user_session_standing',
  `SELECT ${STANDING_COLUMNS}, s.expires_at FROM user_session s JOIN app_user u ON u.id = s.user_id
   WHERE s.id = $1 AND s.user_id = $2 AND ${OPEN} AND u.status = 'active'`,
);

const REFRESH = statement<{ session_id: string; user_id: string; expires_at: Date }>(
  'user_session_refresh',
  `WITH used AS (
     UPDATE refresh_token t SET used_at = now() FROM user_session s JOIN app_user u ON u.id = s.user_id
     WHERE t.hash = $1 AND t.used_at IS NULL AND s.id = t.session_id AND ${OPEN} AND u.status = 'active'
     RETURNING s.id AS session_id, s.user_id, s.expires_at
   ), issued AS (INSERT INTO refresh_token (hash, session_id) SELECT $2, session_id FROM used)
   SELECT * FROM used`,
);

const REVOKE_STOLEN = statement(
  'user_session_stolen',
  `UPDATE user_session s SET revoked_at = now() FROM refresh_token t
   WHERE t.hash = $1 AND t.used_at IS NOT NULL AND s.id = t.session_id AND s.revoked_at IS NULL RETURNING s.id`,
);

const REVOKE = statement(
  'user_session_revoke',
  `UPDATE user_session SET revoked_at = now()
   WHERE user_id = $1 AND ($2::uuid IS NULL OR id = $2) AND revoked_at IS NULL`,
);

const FORGET = statement(
  'user_session_forget',
  `DELETE FROM user_session WHERE id IN (
     SELECT id FROM user_session WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
   ) RETURNING id`,
);
