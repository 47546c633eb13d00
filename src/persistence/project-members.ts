import type { Role } from '../contract/roles.ts';
import type { Db } from './db.ts';
import type { projectMember } from './schema/identity.ts';
import { run, runOne, statement } from './statement.ts';

export type MemberRow = typeof projectMember.$inferSelect & { email: string; name: string };

/** Who is what in a project. */
export function projectMemberRepository(db: Db) {
  return {
    /** In the order of their ids. */
    list(project_id: string, limit: number, after?: string): Promise<MemberRow[]> {
      return run(db, LIST, [project_id, limit, after ?? null]);
    },

    /** Makes somebody a member, or another kind of member. Undefined: nobody else would be left as an owner. */
    put(
      { project_id, user_id, role }: { project_id: string; user_id: string; role: Role },
      added_by: string,
    ): Promise<(MemberRow & { is_new: boolean }) | undefined> {
      return db.transaction(async (tx) => {
        await run(tx, LOCK, [project_id]);
        return runOne(tx, PUT, [project_id, user_id, role, added_by]);
      });
    },

    /** `last_owner`: nobody else would be left as an owner. */
    remove(project_id: string, user_id: string): Promise<'removed' | 'last_owner' | 'unknown'> {
      return db.transaction(async (tx) => {
        await run(tx, LOCK, [project_id]);
        if ((await run(tx, REMOVE, [project_id, user_id])).length > 0) return 'removed';
        return (await run(tx, FIND, [project_id, user_id])).length > 0 ? 'last_owner' : 'unknown';
      });
    },
  };
}

export type ProjectMemberRepository = ReturnType<typeof projectMemberRepository>;

/** Two owners who remove each other do so one after the other. */
const LOCK = statement('project_lock', 'SELECT id FROM project WHERE id = $1 FOR UPDATE');

const LIST = statement<MemberRow>(
  'member_list',
  `SELECT m.*, u.email, u.name FROM project_member m JOIN app_user u ON u.id = m.user_id
   WHERE m.project_id = $1 AND ($3::uuid IS NULL OR m.user_id > $3) ORDER BY m.user_id LIMIT $2`,
);

const ANOTHER_OWNER = `EXISTS (SELECT FROM project_member o WHERE o.project_id = $1 AND o.user_id <> $2 AND o.role = 'owner')`;

const PUT = statement<MemberRow & { is_new: boolean }>(
  'member_put',
  `WITH put AS (
     INSERT INTO project_member AS m (project_id, user_id, role, added_by) VALUES ($1, $2, $3, $4)
     ON CONFLICT (project_id, user_id) DO UPDATE SET role = $3, updated_at = now()
       WHERE m.role <> 'owner' OR $3 = 'owner' OR ${ANOTHER_OWNER}
     RETURNING *, xmax = 0 AS is_new
   )
   SELECT put.*, u.email, u.name FROM put JOIN app_user u ON u.id = put.user_id`,
);

const FIND = statement('member_find', 'SELECT FROM project_member WHERE project_id = $1 AND user_id = $2');

const REMOVE = statement(
  'member_remove',
  `DELETE FROM project_member
   WHERE project_id = $1 AND user_id = $2 AND (role <> 'owner' OR ${ANOTHER_OWNER}) RETURNING user_id`,
);
