import { AppError } from '../contract/errors.ts';
import type { Role } from '../contract/roles.ts';
import type { MemberRow, ProjectMemberRepository } from '../persistence/project-members.ts';
import type { UserRepository, UserRow } from '../persistence/users.ts';

/** Somebody in a project. */
export type Member = MemberRow;

export interface MemberOptions {
  members: ProjectMemberRepository;
  users: UserRepository;
  /** Told when what somebody may do was changed. */
  onChange: () => void;
}

/** Whom a project's owners let in. */
export function memberService({ members, users, onChange }: MemberOptions) {
  const put = async (project_id: string, user: UserRow | undefined, role: Role, added_by: string) => {
    if (!user) throw new AppError('not_found', { detail: 'There is no such user.' });
    const member = await members.put({ project_id, user_id: user.id, role }, added_by);
    if (!member) throw new AppError('state_conflict', LAST_OWNER);
    onChange();
    return member;
  };

  return {
    list: (project_id: string, limit: number, after?: string): Promise<MemberRow[]> =>
      members.list(project_id, limit, after),

    /** Lets somebody in, or changes what they are. Throws `not_found`, and `state_conflict` for the last owner. */
    async put(project_id: string, user_id: string, role: Role, added_by: string) {
      return put(project_id, await users.find(user_id), role, added_by);
    },

    /** The same, for a user by email. */
    async putByEmail(project_id: string, email: string, role: Role, added_by: string) {
      return put(project_id, await users.findByEmail(email), role, added_by);
    },

    /** Throws `not_found`, and `state_conflict` for the last owner. */
    async remove(project_id: string, user_id: string): Promise<void> {
      const outcome = await members.remove(project_id, user_id);
      if (outcome === 'unknown') throw new AppError('not_found');
      if (outcome === 'last_owner') throw new AppError('state_conflict', LAST_OWNER);
      onChange();
    },
  };
}

export type MemberService = ReturnType<typeof memberService>;

const LAST_OWNER = { detail: 'A project keeps at least one owner.' };
