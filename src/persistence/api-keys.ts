import type { AgePlace } from '../contract/age-place.ts';
import type { KeyScope, Standing } from '../contract/principal.ts';
import type { Db } from './db.ts';
import type { apiKey } from './schema/identity.ts';
import { run, runOne, statement } from './statement.ts';
import { STANDING_COLUMNS } from './user-sessions.ts';

export type ApiKeyRow = Omit<typeof apiKey.$inferSelect, 'hash'>;
export type NewApiKey = Pick<
  typeof apiKey.$inferSelect,
  'id' | 'user_id' | 'name' | 'hash' | 'role' | 'projects' | 'permissions' | 'expires_at'
>;

/** Whose key it is, what it leaves of that, and when it was last noted as used. */
export interface KeyStanding extends Standing {
  id: string;
  scope: KeyScope;
  expires_at: Date | null;
  last_used_at: Date | null;
}

/** Tokens for programs. Only their digests are kept. */
export function apiKeyRepository(db: Db) {
  return {
    async insert(key: NewApiKey): Promise<ApiKeyRow> {
      const { id, user_id, name, hash, role, projects, permissions, expires_at } = key;
      return (await runOne(db, INSERT, [id, user_id, name, hash, role, projects, permissions, expires_at]))!;
    },

    /** Undefined: there is none, or it is over, or its user is not to come in any more. */
    async standing(hash: Buffer): Promise<KeyStanding | undefined> {
      const row = await runOne(db, STANDING, [hash]);
      if (!row) return undefined;
      const { role, projects, key_permissions, ...standing } = row;
      return { ...standing, scope: { role, projects, permissions: key_permissions } };
    },

    /** Newest first, revoked ones too. */
    list(user_id: string, limit: number, after?: AgePlace): Promise<ApiKeyRow[]> {
      return run(db, LIST, [user_id, limit, after?.created_at ?? null, after?.id ?? null]);
    },

    /** Its digest; undefined: there is no such key that is still good. */
    async revoke(user_id: string, id: string): Promise<Buffer | undefined> {
      return (await runOne(db, REVOKE, [user_id, id]))?.hash;
    },

    async noteUse(id: string): Promise<void> {
      await run(db, NOTE_USE, [id]);
    },
  };
}

export type ApiKeyRepository = ReturnType<typeof apiKeyRepository>;

const COLUMNS =
  'id, user_id, name, role, projects, permissions, created_at, expires_at, last_used_at, revoked_at';

const INSERT = statement<ApiKeyRow>(
  'api_key_insert',
  `INSERT INTO api_key (id, user_id, name, hash, role, projects, permissions, expires_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
);

type StandingRow = Omit<KeyStanding, 'scope'> &
  Pick<KeyScope, 'role' | 'projects'> & { key_permissions: KeyScope['permissions'] };

const STANDING = statement<StandingRow>(
  'api_key_standing',
  `SELECT ${STANDING_COLUMNS}, k.id, k.role, k.projects, k.permissions AS key_permissions, k.expires_at, k.last_used_at
   FROM api_key k JOIN app_user u ON u.id = k.user_id
   WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.status = 'active'`,
);

// A cursor carries milliseconds: the order must not know more.
const MADE = `date_trunc('milliseconds', created_at)`;

const LIST = statement<ApiKeyRow>(
  'api_key_list',
  `SELECT ${COLUMNS} FROM api_key
   WHERE user_id = $1 AND ($3::timestamptz IS NULL OR (${MADE}, id) < ($3, $4::uuid))
   ORDER BY ${MADE} DESC, id DESC LIMIT $2`,
);

const REVOKE = statement<{ hash: Buffer }>(
  'api_key_revoke',
  `UPDATE api_key SET revoked_at = now() WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING hash`,
);

// Keys that are in use all the time are noted once a minute.
const NOTE_USE = statement(
  'api_key_note_use',
  `UPDATE api_key SET last_used_at = now()
   WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
);
