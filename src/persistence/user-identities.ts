import { ADMIN_USER_ID, type Standing } from '../contract/principal.ts';
import type { Role } from '../contract/roles.ts';
import { type Db, sqlState } from './db.ts';
import type { appUser, userIdentity } from './schema/identity.ts';
import { runOne, statement } from './statement.ts';
import { STANDING_COLUMNS } from './user-sessions.ts';

/** Somebody as an issuer knows them. */
export type Subject = Pick<typeof userIdentity.$inferSelect, 'issuer' | 'subject'>;
export type IdentityStanding = Standing & {
  identity_id: string;
  status: (typeof appUser.$inferSelect)['status'];
};

/** A user who is made for a subject, and what the user is where. */
export interface NewIdentity extends Subject {
  id: string;
  user: { id: string; email: string; name: string; created_by: string };
  memberships: readonly { project_id: string; role: Role }[];
}

/** Which user of ours the subject of an issuer is. */
export function userIdentityRepository(db: Db) {
  return {
    /** Of disabled users, too. Undefined: this subject was not here yet. */
    standing: ({ issuer, subject }: Subject): Promise<IdentityStanding | undefined> =>
      runOne(db, STANDING, [issuer, subject]),

    /** With the user, in one statement. `known`: somebody was faster. `email_taken`: it is that of another user; nothing is made. */
    async create({
      id,
      issuer,
      subject,
      user,
      memberships,
    }: NewIdentity): Promise<'made' | 'known' | 'email_taken'> {
      const projects = memberships.map(({ project_id }) => project_id);
      const roles = memberships.map(({ role }) => role);
      const { email, name, created_by } = user;
      const values = [id, issuer, subject, user.id, email, name, created_by, projects, roles];
      try {
        return (await runOne(db, CREATE, values)) ? 'made' : 'known';
      } catch (error) {
        if (sqlState(error)?.constraint === 'app_user_email') return 'email_taken';
        throw error;
      }
    },

    /** To the active user with this address, but never to the administrator, nor to who has an identity of this issuer. */
    async linkByEmail({ id, issuer, subject }: Subject & { id: string }, email: string): Promise<boolean> {
      const values = [id, issuer, subject, email, ADMIN_USER_ID];
      return (await runOne(db, LINK, values)) !== undefined;
    },
  };
}

export type UserIdentityRepository = ReturnType<typeof userIdentityRepository>;

const STANDING = statement<IdentityStanding>(
  'user_identity_standing',
  `SELECT ${STANDING_COLUMNS}, i.id AS identity_id, u.status
   FROM user_identity i JOIN app_user u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2`,
);

// Keys between the rows are checked at the end of the statement, so the identity may come before its user: it decides who is first.
const CREATE = statement<{ id: string }>(
  'user_identity_create',
  `WITH linked AS (
     INSERT INTO user_identity (id, issuer, subject, user_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT (issuer, subject) DO NOTHING RETURNING user_id
   ), made AS (
     INSERT INTO app_user (id, email, name, permissions, created_by) SELECT user_id, $5, $6, '{}', $7 FROM linked RETURNING id
   ), joined AS (
     INSERT INTO project_member (project_id, user_id, role, added_by)
     SELECT p.id, made.id, n.role, $7 FROM made CROSS JOIN unnest($8::uuid[], $9::text[]) AS n (project_id, role)
     JOIN project p ON p.id = n.project_id AND p.status <> 'deleted'
   )
   SELECT id FROM made`,
);

const LINK = statement(
  'user_identity_link',
  `INSERT INTO user_identity (id, issuer, subject, user_id)
   SELECT $1, $2, $3, u.id FROM app_user u WHERE lower(u.email) = lower($4) AND u.status = 'active' AND u.id <> $5
   ON CONFLICT DO NOTHING RETURNING id`,
);
