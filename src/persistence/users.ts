import type { AgePlace } from '../contract/age-place.ts';
import type { Permission } from '../contract/roles.ts';
import type { Db } from './db.ts';
import type { appUser } from './schema/identity.ts';
import { run, runOne, statement } from './statement.ts';

export type UserRow = typeof appUser.$inferSelect;
export type NewUser = Pick<UserRow, 'id' | 'email' | 'name' | 'password_hash' | 'permissions' | 'created_by'>;
/** What is left out stays. */
export interface UserChange {
  name?: string;
  status?: UserRow['status'];
  permissions?: readonly Permission[];
  password_hash?: string;
}

/** The people of an installation. */
export function userRepository(db: Db) {
  return {
    /** Undefined: the address is somebody's already. */
    insert({
      id,
      email,
      name,
      password_hash,
      permissions,
      created_by,
    }: NewUser): Promise<UserRow | undefined> {
      return runOne(db, INSERT, [id, email, name, password_hash, permissions, created_by]);
    },

    find: (id: string): Promise<UserRow | undefined> => runOne(db, FIND, [id]),

    /** However it is written. */
    findByEmail: (email: string): Promise<UserRow | undefined> => runOne(db, FIND_BY_EMAIL, [email]),

    /** Newest first. */
    list(limit: number, after?: AgePlace): Promise<UserRow[]> {
      return run(db, LIST, [limit, after?.created_at ?? null, after?.id ?? null]);
    },

    /** A new password, or none at all any more, ends every session but `spared`. */
    async update(id: string, change: UserChange, spared?: string): Promise<UserRow | undefined> {
      const { name = null, status = null, permissions = null, password_hash = null } = change;
      return runOne(db, UPDATE, [id, name, status, permissions, password_hash, spared ?? null]);
    },

    /** For who has none yet; says whether it was set. */
    async setFirstPassword(id: string, email: string, password_hash: string): Promise<boolean> {
      return (await runOne(db, SET_FIRST_PASSWORD, [id, email, password_hash])) !== undefined;
    },
  };
}

export type UserRepository = ReturnType<typeof userRepository>;

const INSERT = statement<UserRow>(
  'user_insert',
  `INSERT INTO app_user (id, email, name, password_hash, permissions, created_by)
   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (lower(email)) DO NOTHING RETURNING *`,
);

const FIND = statement<UserRow>('user_find', 'SELECT * FROM app_user WHERE id = $1');

const FIND_BY_EMAIL = statement<UserRow>(
  'user_by_email',
  'SELECT * FROM app_user WHERE lower(email) = lower($1)',
);

// A cursor carries milliseconds: the order must not know more.
const MADE = `date_trunc('milliseconds', created_at)`;

const LIST = statement<UserRow>(
  'user_list',
  `SELECT * FROM app_user WHERE $2::timestamptz IS NULL OR (${MADE}, id) < ($2, $3::uuid)
   ORDER BY ${MADE} DESC, id DESC LIMIT $1`,
);

const UPDATE = statement<UserRow>(
  'user_update',
  `WITH changed AS (
     UPDATE app_user SET name = coalesce($2, name), status = coalesce($3, status),
       permissions = coalesce($4::text[], permissions), password_hash = coalesce($5, password_hash), updated_at = now()
     WHERE id = $1 RETURNING *
   ), ended AS (
     UPDATE user_session SET revoked_at = now()
     WHERE ($5::text IS NOT NULL OR $3 = 'disabled') AND user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $6::uuid
   )
   SELECT * FROM changed`,
);

const SET_FIRST_PASSWORD = statement(
  'user_first_password',
  `UPDATE app_user SET password_hash = $3, email = $2, updated_at = now()
   WHERE id = $1 AND password_hash IS NULL RETURNING id`,
);
